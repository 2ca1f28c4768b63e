//! The public keys of a chain.

use futures_util::future::join_all;
use koukan_core::network::Resolver;

use super::ArcResult;
use crate::dkim::{Algorithm, DkimResult, PublicKey, key_at};

/// The result for a chain, and the reason.
pub(super) type Judged = (ArcResult, &'static str);

/// Keys by name and algorithm. Each is asked for once: the same key usually made both the message signature and the
/// seal of a set.
#[derive(Default)]
pub(super) struct Keys(Vec<Known>);

struct Known {
    name: String,
    algorithm: Algorithm,
    key: Result<PublicKey, Judged>,
}

impl Keys {
    /// Asks for all keys that are not known yet, at the same time.
    pub(super) async fn ask(
        &mut self,
        wanted: impl IntoIterator<Item = (String, Algorithm)>,
        resolver: &dyn Resolver,
    ) {
        let mut new: Vec<(String, Algorithm)> = Vec::new();
        for wanted in wanted {
            if self.find(&wanted.0, wanted.1).is_none() && !new.contains(&wanted) {
                new.push(wanted);
            }
        }
        let asked = new.into_iter().map(|(name, algorithm)| async move {
            let key = key_at(&name, algorithm, resolver).await;
            let key = match key {
                // Signatures of a domain in test mode count as no signature: RFC 6376 section
                // 3.6.1.
                Ok(key) if key.is_testing => Err((ArcResult::Fail, "the domain is trying it out")),
                Ok(key) => Ok(key),
                Err((DkimResult::TempError, reason)) => Err((ArcResult::TempError, reason)),
                Err((_, reason)) => Err((ArcResult::Fail, reason)),
            };
            Known {
                name,
                algorithm,
                key,
            }
        });
        self.0.extend(join_all(asked).await);
    }

    fn find(&self, name: &str, algorithm: Algorithm) -> Option<&Known> {
        let is = |known: &&Known| known.name == name && known.algorithm == algorithm;
        self.0.iter().find(is)
    }

    /// Returns a key that was asked for.
    ///
    /// # Errors
    ///
    /// The result for the chain when this key is missing.
    pub(super) fn get(&self, name: &str, algorithm: Algorithm) -> Result<&PublicKey, Judged> {
        match self.find(name, algorithm) {
            Some(Known { key, .. }) => key.as_ref().map_err(|judged| *judged),
            None => Err((ArcResult::TempError, "a key was not asked for")),
        }
    }
}
