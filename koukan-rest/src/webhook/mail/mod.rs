//! An endpoint for chains: sends each message as one signed request.
//!
//! | module | is |
//! |---|---|
//! | `delivery` | turns a transaction into the request |
//! | `content` | the request's content: envelope and message as JSON |
//! | `verdict` | turns the answer into a reply |

mod content;
mod delivery;
mod verdict;

use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use koukan_core::{
    clock::SharedClock, filter::message_parser::MessageParserLayer, reply::Reply,
    transaction::Transaction,
};
use tower::{BoxError, Layer, Service};

use super::Poster;

use self::delivery::Delivery;

/// The most octets of a message that is delivered.
const MAX_SIZE: usize = 10 << 20;

/// Delivers each message to an HTTP server in one signed request that holds the whole message, parsed.
///
/// *Shape*: as described [in the module documentation](super), with the type `mail`:
///
/// ```json
/// {"type": "mail", "timestamp": "2026-11-27T09:00:00Z", "data": {
///   "id": "01k…", "sender": {"name": "receiving"}, "mail_from": "alice@example.com",
///   "rcpt_to": ["bob@example.net"],
///   "message": {"headers": [ … ], "text_body": [ … ], "file_attachments": [ … ]}}}
/// ```
///
/// The null reverse-path is `""`. The message is as the [parser](koukan_core::message::parser) makes it, without
/// `parts`: text to be shown is `{"inline": …}` whatever its length, and all other contents are `{"base64": …}`. The
/// `webhook-id` is the same whenever one message is sent on behalf of one sender for the same recipients.
///
/// | the server | reply |
/// |---|---|
/// | answers 2xx | [`Reply::message_accepted`] |
/// | answers 408, 425 or 429 | [`Reply::overloaded`] |
/// | answers another 4xx | [`Reply::policy_refused`] |
/// | answers anything else; a redirect is not followed | [`Reply::destination_failed`] |
/// | does not answer in time, or not at all | [`Reply::connection_failed`] |
/// | is not asked, since the message is too large | [`Reply::message_too_big`] |
/// | is not asked, since there is no memory for the request | [`Reply::insufficient_storage`] |
///
/// If the content of a 4xx answer has a first line, it becomes the text of the reply. If the line begins with an
/// enhanced status code of the reply's class, as in `5.1.1 no such user`, that becomes the reply's enhanced code.
///
/// MAIL and each RCPT are answered with 250; only the final reply says what the server has decided.
///
/// # Cancel safety
///
/// Dropping the call abandons the request; the server may have accepted it nevertheless.
#[derive(Debug, Clone)]
pub struct MailEndpoint {
    poster: Poster,
    clock: SharedClock,
    max_size: usize,
}

impl MailEndpoint {
    /// Makes an endpoint that delivers messages of at most 10 MiB by such requests.
    pub fn new(poster: Poster, clock: SharedClock) -> Self {
        Self {
            poster,
            clock,
            max_size: MAX_SIZE,
        }
    }

    /// Sets how many octets a message may have. The request is a third larger, and both are held in memory.
    #[must_use]
    pub fn with_max_size(mut self, octets: usize) -> Self {
        self.max_size = octets;
        self
    }
}

impl Service<Transaction> for MailEndpoint {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let delivery = Delivery {
            poster: self.poster.clone(),
            clock: SharedClock::clone(&self.clock),
            max_size: self.max_size,
        };
        // If a filter above has already parsed the message, its result is used.
        let parser = MessageParserLayer::new().with_max_size(self.max_size);
        parser.layer(delivery).call(tx)
    }
}
