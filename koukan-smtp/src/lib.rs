//! SMTP for Koukan.

pub mod client;
pub mod codec;
pub mod server;

pub use self::{client::SmtpEndpoint, server::Server};
