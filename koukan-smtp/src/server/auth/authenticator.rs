//! Who says whether a client is who it says to be: the [`Authenticator`].

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use tower::BoxError;

use crate::sasl::{Answer, Claim, Mechanisms};

/// Says whether clients are who they say to be.
///
/// A claim for whom there is nobody must take as long as one for somebody, and is answered alike: else
/// clients learn who there is. Whoever asks limits the time, and counts failures.
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
/// The future of a question is dropped when the client has gone, its time is up, or the server stops.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// By which mechanisms clients may authenticate themselves: those whose claims are understood.
    fn mechanisms(&self) -> Mechanisms;

    /// How many questions of one server may be under way at a time; of these one client, by its address, gets seven
    /// eighths, so that many that take long hold up nobody else. Whose question is one too many gets 454. Asked once,
    /// when the server is made. Default: no limit.
    fn questions_max(&self) -> u64 {
        u64::MAX
    }

    /// Whether it is so.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] where that cannot be told just now; the client gets 454.
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

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        (**self).ask(claim).await
    }
}

/// Whether a client is who it says to be cannot be told just now.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell who a client is")]
pub struct Unavailable(#[source] pub BoxError);
