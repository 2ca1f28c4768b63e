//! Authentication by bearer tokens.
//!
//! ```text
//! fn(Authorization) -> Result<Caller, Denied>
//! ```
//!
//! A caller sends a secret (`Authorization: Bearer SECRET`). [`Auth`] knows the SHA-256 of the
//! secret, and the senders for which the caller may act.
//!
//! | request | response |
//! |---|---|
//! | without a token | 401, `WWW-Authenticate: Bearer` |
//! | with a token that is unknown or expired | 401, the same with `error="invalid_token"` |
//! | for a sender for which the token is not valid, or an action that its role does not allow | 403 |
//!
//! *Source*: RFC 6750.

mod token;

pub use self::token::{InvalidHash, Token, generate_token};

use std::{fmt, sync::Arc};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use koukan_core::{clock::SharedClock, resource::Caller, shares::Client};
use subtle::ConstantTimeEq;

/// The tokens that are accepted; clones share them.
#[derive(Clone)]
pub struct Auth {
    tokens: Arc<[Known]>,
    clock: SharedClock,
}

/// A token, and the caller that it stands for.
#[derive(Debug)]
struct Known {
    token: Token,
    client: Client,
}

/// Why a caller is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The request has no bearer token.
    #[error("a token is needed: Authorization: Bearer TOKEN")]
    Missing,
    /// The token is unknown.
    #[error("the token is not known here")]
    Unknown,
    /// The token has expired.
    #[error("the token has expired: ask for a new one")]
    Expired,
}

impl Auth {
    /// Accepts callers that have one of these tokens; without any token, nobody is accepted.
    pub fn new(tokens: impl IntoIterator<Item = Token>, clock: SharedClock) -> Self {
        Self {
            tokens: tokens.into_iter().map(Known::from).collect(),
            clock,
        }
    }

    /// The caller, according to the header fields of the request.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Denied> {
        let secret = bearer(headers).ok_or(Denied::Missing)?;
        let Known { token, client } = self.find(secret).ok_or(Denied::Unknown)?;
        if token.expires.is_some_and(|end| end <= self.clock.now()) {
            return Err(Denied::Expired);
        }
        tracing::debug!(token = %token.name, "authenticated");
        let caller = match &token.senders {
            Some(senders) => Caller::of_senders(senders.iter().map(|name| name.as_str().into())),
            None => Caller::unrestricted(),
        };
        let caller = caller.with_client(client.clone()).with_role(token.role);
        Ok(caller.with_trust(token.trusted))
    }

    /// The token of that secret. All tokens are compared, so that the time does not reveal which one matched.
    fn find(&self, secret: &[u8]) -> Option<&Known> {
        let hash = token::sha256(secret);
        let is_known = |known: &Known| bool::from(known.token.sha256.ct_eq(&hash));
        let tokens = self.tokens.iter();
        tokens.fold(
            None,
            |found, known| {
                if is_known(known) { Some(known) } else { found }
            },
        )
    }
}

impl From<Token> for Known {
    fn from(token: Token) -> Self {
        let client = Client::named(&*token.name);
        Self { token, client }
    }
}

impl Denied {
    /// The challenge that is sent with the 401.
    pub(crate) fn challenge(self) -> &'static str {
        match self {
            Self::Missing => "Bearer",
            Self::Unknown => {
                "Bearer error=\"invalid_token\", error_description=\"the token is not known here\""
            }
            Self::Expired => {
                "Bearer error=\"invalid_token\", error_description=\"the token has expired\""
            }
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

/// The secret; the scheme may be in any case: RFC 9110 section 11.1.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, secret) = value.split_at_checked("Bearer ".len())?;
    let secret = secret.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !secret.is_empty()).then_some(secret)
}
