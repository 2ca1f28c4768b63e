//! Has each message looked at by a scanner before it goes on.
//!
//! *Phases*: the message. It goes on once all of it has come and the scanner has said what it is. Until then it is
//! kept in a blob; what is passed on by reference stays so. The scanner is shown the message from there, so that no
//! client keeps it waiting; its octets are not copied.
//!
//! *Signals*: writes the scanner's durable signal, a [`Finding`](crate::Finding), unless it is there already: then what
//! it says holds, and nobody is asked. Where it says that nothing is known, or what nobody here understands, the scanner is asked
//! all the same, and the signal stays as it is.
//!
//! | reply to the message | when |
//! |---|---|
//! | [`Reply::infected`](koukan_core::reply::Reply::infected), [`Reply::spam`](koukan_core::reply::Reply::spam), or what the scanner asks for | the scanner says so, and the layer [refuses](ScanLayer::without_refusal) |
//! | [`Reply::scanner_unavailable`](koukan_core::reply::Reply::scanner_unavailable) | the scanner cannot be asked, or rules [were to decide](ScanLayer::without_refusal) and there is no room for the signal that tells them; and [that](ScanLayer::failing_open) does not let messages pass |
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big) | the message is larger than [may be](ScanLayer::with_max_size), or than the scanner takes, and [that](ScanLayer::passing_large) does not let it pass |
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage) | there is no room for the message |

mod layer;
mod service;

pub use self::{
    layer::{MAX_SIZE, ScanLayer},
    service::Scan,
};
