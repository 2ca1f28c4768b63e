//! Recipients that stand for others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::path::ForwardPath;

/// The signal by which a routing filter tells the [Exploder](crate::stage::exploder) below which recipients
/// stand for others.
#[derive(Debug, Default)]
pub struct Expansions(Mutex<HashMap<usize, Arc<[ForwardPath]>>>);

impl Expansions {
    /// Sets the members of the recipient at this [position](crate::transaction::Command::position).
    pub fn set(&self, position: usize, members: Arc<[ForwardPath]>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(position, members);
    }

    /// Whether some recipient stands for this one.
    pub fn has_member(&self, path: &ForwardPath) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values()
            .flat_map(|members| members.iter())
            .any(|member| member.is_same(path))
    }

    /// The members of the recipient at this position, if it has any.
    pub fn of(&self, position: usize) -> Option<Arc<[ForwardPath]>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&position).cloned()
    }
}
