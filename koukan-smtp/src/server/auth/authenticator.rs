//! The [`Authenticator`], which decides whether a client is who it claims to be.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use tower::BoxError;

use crate::sasl::{Answer, Claim, Mechanisms};

/// Decides whether clients are who they claim to be.
///
/// A claim for a user who does not exist must take as long, and get the same answer, as a false claim for one who
/// does. Otherwise clients learn which users exist. The server limits the time and counts the failures.
///
/// # Example
///
/// ```
/// use koukan_smtp::{
///     sasl::{Answer, Claim, Mechanism, Mechanisms},
///     server::{Authenticator, Unavailable},
/// };
///
/// /// Knows one token.
/// #[derive(Debug)]
/// struct Robot(String);
///
/// #[async_trait::async_trait]
/// impl Authenticator for Robot {
///     fn mechanisms(&self) -> Mechanisms {
///         [Mechanism::OAuthBearer].into_iter().collect()
///     }
///
///     async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
///         Ok(match claim {
///             Claim::Token { token, .. } if token.reveal() == self.0 => {
///                 Answer::Accepted("robot".into())
///             }
///             _ => Answer::Refused,
///         })
///     }
/// }
/// ```
///
/// # Cancel safety
///
/// The server drops the future of a question when the client has gone, its time is up, or the server stops.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// The mechanisms by which clients may authenticate: those whose claims this authenticator can answer.
    fn mechanisms(&self) -> Mechanisms;

    /// How many questions of one server may be under way at a time. One client, by its address, gets at most seven
    /// eighths of them, so that its slow questions hold up nobody else. Other questions wait for a turn, for ten seconds at
    /// most: first those of clients that have authenticated within a day, then those of clients that have not failed
    /// lately, nor anybody near them; among equals the networks (/24 and /48) take turns. Clients that get none have 454. The
    /// server calls this once, when it is made. Default: no limit.
    fn questions_max(&self) -> u64 {
        u64::MAX
    }

    /// The answer to a claim for which nothing has to be computed or waited for. The server asks for this first, without a
    /// turn. Default: none, so that [`Authenticator::ask`] is called.
    fn known(&self, claim: &Claim) -> Option<Answer> {
        let _ = claim;
        None
    }

    /// Whether the claim is true.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] where this cannot be decided at the moment; the client gets 454.
    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable>;
}

#[async_trait]
impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn mechanisms(&self) -> Mechanisms {
        (**self).mechanisms()
    }

    fn questions_max(&self) -> u64 {
        (**self).questions_max()
    }

    fn known(&self, claim: &Claim) -> Option<Answer> {
        (**self).known(claim)
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        (**self).ask(claim).await
    }
}

/// It cannot be decided at the moment whether a client is who it claims to be.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell who a client is")]
pub struct Unavailable(#[source] pub BoxError);
