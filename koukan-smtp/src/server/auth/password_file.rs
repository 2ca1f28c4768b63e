//! Users whose verifiers are kept in a file.

use std::sync::Arc;

use async_trait::async_trait;
use koukan_core::{
    blocking::BlockingPool,
    random::{NoRandomness, secret},
};

use super::{Authenticator, Unavailable};
use crate::{
    sasl::{
        Answer, Claim, Mechanisms,
        scram::{Entries, Stranger, Verifier},
    },
    sync::{Mutex, PoisonError},
};

/// Knows users by their [verifiers](Entries), as a file lists them. The entries can be replaced at
/// any time; clones share them. The caller reads the file.
///
/// Passwords are hashed on the threads of a pool.
#[derive(Debug, Clone)]
pub struct PasswordFile {
    entries: Arc<Mutex<Arc<Entries>>>,
    strangers: Arc<Stranger>,
    blocking: BlockingPool,
}

impl PasswordFile {
    /// Makes an authenticator that knows these users.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    pub fn new(entries: Entries, blocking: BlockingPool) -> Result<Self, NoRandomness> {
        Ok(Self {
            entries: Arc::new(Mutex::new(Arc::new(entries))),
            strangers: Arc::new(Stranger::new(secret()?)),
            blocking,
        })
    }

    /// Replaces all entries, for authentications that begin from now on.
    pub fn replace(&self, entries: Entries) {
        let mut current = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(entries);
    }

    /// The verifier of a user, and whether that user exists.
    fn verifier(&self, user: &str) -> (Verifier, bool) {
        let entries = {
            let current = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&current)
        };
        match entries.get(user) {
            Some(verifier) => (verifier.clone(), true),
            None => (self.strangers.verifier(user, &entries), false),
        }
    }
}

#[async_trait]
impl Authenticator for PasswordFile {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        match claim {
            Claim::Verifier { user } => {
                let (verifier, _) = self.verifier(&user);
                Ok(Answer::Verifier(user, verifier))
            }
            Claim::Password { user, password } => {
                let (verifier, is_there) = self.verifier(&user);
                let check = self.blocking.run(move || verifier.fits(password.reveal()));
                let fits = check.await.map_err(|error| Unavailable(error.into()))?;
                Ok(match fits && is_there {
                    true => Answer::Accepted(user),
                    false => Answer::Refused,
                })
            }
            Claim::Token { .. } => Ok(Answer::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(of: &[(&str, &str)]) -> Entries {
        let lines = of.iter().map(|(user, password)| {
            let verifier = Verifier::new(password, 4096).unwrap();
            format!("{user}:{verifier}\n")
        });
        lines.collect::<String>().parse().unwrap()
    }

    async fn is_known(file: &PasswordFile, user: &str, password: &str) -> bool {
        let claim = Claim::Password {
            user: user.into(),
            password: password.into(),
        };
        file.ask(claim).await.unwrap() == Answer::Accepted(user.into())
    }

    #[tokio::test]
    async fn users_are_known_by_their_passwords_and_follow_the_file() {
        let file = entries(&[("alice", "pencil"), ("bob", "pen")]);
        let file = PasswordFile::new(file, BlockingPool::default()).unwrap();
        assert!(is_known(&file, "alice", "pencil").await);
        assert!(is_known(&file, "bob", "pen").await);
        for (user, password) in [("alice", "pen"), ("carol", "pen"), ("Alice", "pencil")] {
            assert!(!is_known(&file, user, password).await);
        }
        file.replace(entries(&[("alice", "new")]));
        assert!(is_known(&file, "alice", "new").await);
        assert!(!is_known(&file, "alice", "pencil").await);
        assert!(!is_known(&file, "bob", "pen").await);
    }

    #[tokio::test]
    async fn a_stranger_is_asked_for_a_proof_like_everybody_else() {
        let file = entries(&[("alice", "pencil")]);
        let file = PasswordFile::new(file, BlockingPool::default()).unwrap();
        let ask = async |user: &str| {
            let user = user.into();
            match file.ask(Claim::Verifier { user }).await.unwrap() {
                Answer::Verifier(_, verifier) => verifier,
                other => panic!("{other:?}"),
            }
        };
        let alice = ask("alice").await;
        let [carol, again, dave] = [ask("carol").await, ask("carol").await, ask("dave").await];
        assert_eq!(carol, again, "who asks twice would see that it was made up");
        assert_ne!(carol, dave);
        assert_eq!(carol.iterations(), alice.iterations());
        assert_eq!(carol.salt().len(), alice.salt().len());
    }
}
