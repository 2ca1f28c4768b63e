//! SMTP for Koukan.

pub mod codec;
pub mod server;

pub use self::server::Server;
