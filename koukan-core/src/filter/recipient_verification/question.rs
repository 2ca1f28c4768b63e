//! The questions under way, each shared by all who wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, future::Shared, future::WeakShared};

use super::{found::Answer, known::Key};

/// A question that is driven by whoever waits for it. When all have dropped it, it is abandoned.
pub(super) type Question = Shared<BoxFuture<'static, Answer>>;

/// The questions under way.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    by_key: HashMap<Key, (u64, WeakShared<BoxFuture<'static, Answer>>)>,
    next: u64,
}

/// Removes a question when it has ended or was abandoned.
struct Leaving {
    questions: Arc<Questions>,
    key: Key,
    number: u64,
}

impl Questions {
    /// Joins the question with this key that is under way, or starts this one.
    pub(super) fn join(
        self: &Arc<Self>,
        key: Key,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> Question {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.by_key.get(&key);
        if let Some(question) = known.and_then(|(_, question)| question.upgrade()) {
            return question;
        }
        let number = asked.next;
        asked.next += 1;
        let leaving = Leaving {
            questions: Arc::clone(self),
            key: key.clone(),
            number,
        };
        let ask = ask();
        let question = async move {
            let _leaving = leaving;
            ask.await
        };
        let question = question.boxed().shared();
        if let Some(weak) = question.downgrade() {
            asked.by_key.insert(key, (number, weak));
        }
        question
    }

    /// How many are under way.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.by_key.len()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut asked = self
            .questions
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Another question may have taken its place meanwhile.
        let is_it = |(number, _): &(u64, _)| *number == self.number;
        if asked.by_key.get(&self.key).is_some_and(is_it) {
            asked.by_key.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_has_ended_or_was_given_up_is_forgotten() {
        let questions = Arc::new(Questions::default());
        let key = || Key::Domain("example.com".into());
        let first = questions.join(key(), || pending().boxed());
        let second = questions.join(key(), || unreachable!("it is under way"));
        assert!(first.ptr_eq(&second));
        drop(first);
        assert_eq!(questions.count(), 1);
        drop(second);
        assert_eq!(questions.count(), 0);
        let third = questions.join(key(), || ready(Answer::Accepted).boxed());
        assert_eq!(third.await, Answer::Accepted);
        assert_eq!(questions.count(), 0);
    }
}
