//! What happens in an agent, reported to observers: [`Event`] and [`Observer`].
//!
//! Stages report what happens to [`Observers`]; they do not write to a log themselves. A log,
//! metrics, a stream of events and a test are observers; [`observer`](crate::observer) has those of
//! this crate. Whoever composes stages gives them observers. By default there are none, and nothing
//! is collected or allocated.
//!
//! # Which event comes when
//!
//! | event | reported by | when |
//! |---|---|---|
//! | [`Connected`](Event::Connected), [`Disconnected`](Event::Disconnected) | servers | a client's connection was accepted; it has ended |
//! | [`AwaitsProxy`](Event::AwaitsProxy) | SMTP servers | a proxy's connection was accepted, and its client is not known yet; `Connected` or `TurnedAway` follow when it is |
//! | [`TurnedAway`](Event::TurnedAway) | servers | there are too many connections, in all or from that client, or the client has made too many errors |
//! | [`Attempted`](Event::Attempted) | [`OutputHandler`](crate::stage::output_handler::OutputHandler) | an attempt to deliver has ended with replies |
//! | [`Delivered`](Event::Delivered) | the same, right after | for each recipient that the attempt delivered to |
//! | [`Deferred`](Event::Deferred) | [`Storage`](crate::storage::Storage) | a transaction in custody waits for its next attempt |
//! | [`Failed`](Event::Failed) | `Storage` | for each recipient in custody that nothing more is tried for |
//! | [`Cancelled`](Event::Cancelled), [`Abandoned`](Event::Abandoned) | `Storage` | a transaction has ended because it was cancelled; because its message did not come |
//! | [`Notified`](Event::Notified) | `Storage` | a notification of what became of a message was put into the queue |
//! | [`NotificationLost`](Event::NotificationLost) | `OutputHandler` | a notification could not be delivered itself |
//! | [`Operated`](Event::Operated) | [`Operator`](crate::stage::operator::Operator) | somebody has retried, held, cancelled … transactions of the queue |
//! | [`PolicyMatched`](Event::PolicyMatched) | the filter [`policy_action`](crate::filter::policy_action) | a rule has matched whose action is not `TAG` |
//! | [`RecipientVerified`](Event::RecipientVerified) | the filter [`recipient_verification`](crate::filter::recipient_verification) | it was determined whether the destination accepts a recipient, or could not be determined |
//! | [`Scanned`](Event::Scanned) | filters of scanners | a message was scanned, or could not be |
//! | [`ScannerAsked`](Event::ScannerAsked) | the same | a scanner has answered at one of its addresses, or has failed to |
//! | [`ScannerStands`](Event::ScannerStands) | the same | a scanner is down at an address, or is there again |
//! | [`HookCalled`](Event::HookCalled), [`HookLost`](Event::HookLost), [`HookLeftOut`](Event::HookLeftOut) | webhooks | events were sent to a webhook, and accepted or not; events were removed that it has not accepted; an event was left out that it refuses for good |
//! | [`HookGivenUp`](Event::HookGivenUp), [`HookResumed`](Event::HookResumed) | webhooks | a webhook has accepted nothing for too long; it is called again |
//! | [`HookLeft`](Event::HookLeft) | webhooks | another replica calls it from now on, and reports its state |
//! | [`RecipientRefused`](Event::RecipientRefused) | [`Trace`](crate::middleware::trace) around a listener's chain | for each recipient that was refused to the client |
//! | [`Accepted`](Event::Accepted) | the same; [`RestHandler`](crate::stage::rest_handler::RestHandler) | the client is told that its message was accepted |
//! | [`Ended`](Event::Ended) | `Trace` | the transaction is over, whatever its outcome |
//!
//! What is reported as delivered, failed or deferred stays true. An event is reported once. After a
//! crash, work that was not yet written may be repeated, and is then reported again.
//!
//! # Example
//!
//! An observer that counts accepted messages:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use koukan_core::event::{Event, Observer};
//!
//! #[derive(Debug, Default)]
//! struct Accepted(AtomicU64);
//!
//! impl Observer for Accepted {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let Event::Accepted(_) = event {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//! }
//! ```

mod connection;
mod delivery;
mod hook;
mod message;
mod observers;
mod operation;
mod policy;
mod scanner;
mod verification;

pub use self::{
    connection::{Connection, OpenConnection, Protocol},
    delivery::{Attempted, Deferred, Delivered, Failed, LostNotification, Notified},
    hook::{HookCalled, HookGivenUp, HookLeft, HookLeftOut, HookLost, HookResumed},
    message::{Accepted, Custodian, Ended, Message, Outcome, RecipientReplies, Refused},
    observers::{Observer, Observers},
    operation::Operated,
    policy::PolicyMatched,
    scanner::{Scanned, ScannerAsked, ScannerStands},
    verification::RecipientVerified,
};

use std::time::Duration;

/// Something that has happened. The [module documentation](self) says when each event occurs.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A client's connection was accepted.
    Connected(Connection<'a>),
    /// A proxy's connection was accepted, and its client is not known yet: the address is the proxy's.
    AwaitsProxy(Connection<'a>),
    /// A client was turned away: there are too many connections, in all or from that client, or it has made too many
    /// errors.
    TurnedAway(Connection<'a>),
    /// A connection that was accepted has ended, after that time.
    Disconnected(Connection<'a>, Duration),
    /// A recipient was refused to a client.
    RecipientRefused(Refused<'a>),
    /// A client is told that its message was accepted.
    Accepted(Accepted<'a>),
    /// A transaction is over, for a client or with a destination.
    Ended(&'a Ended<'a>),
    /// An attempt to deliver has ended.
    Attempted(&'a Attempted<'a>),
    /// A recipient's destination has taken the message.
    Delivered(Delivered<'a>),
    /// A transaction in custody waits for its next attempt.
    Deferred(Deferred<'a>),
    /// Nothing more is tried for a recipient in custody.
    Failed(Failed<'a>),
    /// A transaction was cancelled: nothing more is tried, and nobody is told.
    Cancelled(Message<'a>),
    /// A transaction was given up, since its message did not come in time.
    Abandoned(Message<'a>),
    /// A notification of what became of a message was put into the queue.
    Notified(Notified<'a>),
    /// A notification could not be delivered, and nobody is told of it.
    NotificationLost(LostNotification<'a>),
    /// An operator has changed something.
    Operated(Operated<'a>),
    /// A rule of a policy has matched.
    PolicyMatched(PolicyMatched<'a>),
    /// It was determined whether the destination accepts a recipient, or could not be determined.
    RecipientVerified(RecipientVerified<'a>),
    /// A message was scanned, or could not be.
    Scanned(Scanned<'a>),
    /// A scanner was asked at one of its addresses.
    ScannerAsked(ScannerAsked<'a>),
    /// A scanner is not asked any longer at one of its addresses, or is asked again.
    ScannerStands(ScannerStands<'a>),
    /// A webhook was called with events, and has accepted them or not.
    HookCalled(HookCalled<'a>),
    /// Events were removed before a webhook had accepted them.
    HookLost(HookLost<'a>),
    /// An event was left out that a webhook refuses for good.
    HookLeftOut(HookLeftOut<'a>),
    /// A webhook has accepted nothing for so long that it is disabled.
    HookGivenUp(HookGivenUp<'a>),
    /// A webhook that was disabled is called again.
    HookResumed(HookResumed<'a>),
    /// Another process calls this webhook from now on.
    HookLeft(HookLeft<'a>),
}
