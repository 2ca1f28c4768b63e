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
        scram::{Entries, Stranger, Verifier, prepared},
    },
    sync::{Mutex, PoisonError},
};

/// Knows users by their [verifiers](Entries), as a file lists them. The entries can be replaced at
/// any time; clones share them. The caller reads the file.
///
/// Passwords are hashed on the threads of a pool, by each server no more at a time than there are threads. A user is known by
/// the name in the file in its prepared form (RFC 4013), however a client writes it.
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

    /// The name by which a user is known, the verifier, and whether that user exists.
    fn verifier(&self, user: &str) -> (Box<str>, Verifier, bool) {
        let entries = {
            let current = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&current)
        };
        let name = prepared(user);
        match entries.get(&name) {
            Some(verifier) => (name.into(), verifier.clone(), true),
            None => {
                let verifier = self.strangers.verifier(&name, &entries);
                (name.into(), verifier, false)
            }
        }
    }
}

#[async_trait]
impl Authenticator for PasswordFile {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    fn questions_max(&self) -> u64 {
        self.blocking.threads().get() as u64
    }

    fn known(&self, claim: &Claim) -> Option<Answer> {
        match claim {
            Claim::Verifier { user } => {
                let (name, verifier, _) = self.verifier(user);
                Some(Answer::Verifier(name, verifier))
            }
            _ => None,
        }
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        if let Some(known) = self.known(&claim) {
            return Ok(known);
        }
        match claim {
            Claim::Password { user, password } => {
                let (user, verifier, is_there) = self.verifier(&user);
                let check = self.blocking.run(move || verifier.fits(password.reveal()));
                let fits = check.await.map_err(|error| Unavailable(error.into()))?;
                Ok(match fits && is_there {
                    true => Answer::Accepted(user),
                    false => Answer::Refused,
                })
            }
            _ => Ok(Answer::Refused),
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

    /// Otherwise one user could be many, each with limits of its own.
    #[tokio::test]
    async fn however_a_client_writes_a_name_it_is_known_by_one() {
        let file = entries(&[("alice", "pencil")]);
        let file = PasswordFile::new(file, BlockingPool::default()).unwrap();
        // A soft hyphen, a word joiner, and a wide letter.
        for user in ["alice", "ali\u{ad}ce", "\u{2060}alice", "\u{ff41}lice"] {
            let user: Box<str> = user.into();
            let password = "pencil".into();
            let claim = Claim::Password {
                user: user.clone(),
                password,
            };
            let accepted = file.ask(claim).await.unwrap();
            assert_eq!(accepted, Answer::Accepted("alice".into()), "{user:?}");
            let verifier = file.ask(Claim::Verifier { user }).await.unwrap();
            assert!(matches!(verifier, Answer::Verifier(name, _) if &*name == "alice"));
        }
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
        let spelled = [ask("ali\u{ad}ce").await, ask("ca\u{ad}rol").await];
        assert_eq!(
            spelled,
            [alice.clone(), carol.clone()],
            "only who is there would have one salt"
        );
        assert_eq!(carol.iterations(), alice.iterations());
        assert_eq!(carol.salt().len(), alice.salt().len());
    }
}
