//! Scripted services and originators, for tests of services and filters.
//!
//! [`Script`] is a [`MailService`](crate::service::MailService) that answers by a table and keeps what it received.
//! [`send`] originates a whole transaction. [`ManualClock`] is a clock that tests set, and [`SeededRandom`] draws the
//! same numbers for the same seed. [`ScriptedResolver`], which can read a zone file, and [`ScriptedConnector`] are a
//! network. [`at_rest`] lets everything else run as far as it can. [`CapturedLog`] keeps what is logged. [`context`],
//! [`mail`] and [`rcpt`] make the parts of a transaction from literals. [`FaultyBackend`] adds faults in front of a
//! backend, and [`in_every_budget`] runs a test play while tokio's cooperative budget is exhausted.
//!
//! # Example
//!
//! ```
//! use koukan_core::{reply::Reply, test_util::{Script, mail, rcpt, send}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let upstream = Script::new().rcpt("carol@y", Reply::no_such_user());
//! let to = [rcpt("bob@y"), rcpt("carol@y")];
//! let outcome = send(upstream.clone(), mail("alice@x"), to, "\r\nhello\r\n").await;
//! assert_eq!(outcome.recipients, [Reply::recipient_ok(), Reply::no_such_user()]);
//! assert_eq!(upstream.received()[0].body, "\r\nhello\r\n");
//! # });
//! ```

mod answer;
#[cfg(feature = "test-certificates")]
mod authority;
pub mod backend_contract;
mod budget;
mod clock;
mod connector;
mod faulty_backend;
mod log;
mod originate;
mod received;
mod resolver;
mod rest;
mod script;
mod seeded;
mod shorthand;
mod zone;

pub use self::{
    answer::Answer,
    budget::{AroundService, Budget, in_every_budget},
    clock::{ManualClock, TokioClock},
    connector::ScriptedConnector,
    faulty_backend::{Defect, Faults, FaultyBackend, OnDelivered, Trouble, TroubleKind},
    log::CapturedLog,
    originate::{send, send_with},
    received::{End, Received},
    resolver::ScriptedResolver,
    rest::at_rest,
    script::Script,
    seeded::{SeededIdentities, SeededRandom},
    shorthand::{context, context_from, mail, rcpt},
};

#[cfg(feature = "test-certificates")]
pub use self::authority::{Authority, Pem};
