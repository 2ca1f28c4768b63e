//! A value for each name in a configuration.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// How many names are distinguished. Each has series of its own for as long as the process runs.
const NAMES_MAX: usize = 500;
/// The name for all further names together.
const OTHER: &str = "other";

/// A value for each name.
#[derive(Debug)]
pub(super) struct ByName<V>(RwLock<HashMap<Box<str>, V>>);

impl<V> ByName<V> {
    pub(super) fn new() -> Self {
        Self(RwLock::default())
    }

    /// Uses the value of that name, which is made if there is none; `make` is given the name.
    pub(super) fn with(&self, name: &str, make: impl FnOnce(&str) -> V, uses: impl FnOnce(&V)) {
        {
            let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = values.get(name) {
                return uses(value);
            }
        }
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = if values.len() < NAMES_MAX || values.contains_key(name) {
            name
        } else {
            OTHER
        };
        uses(values.entry(name.into()).or_insert_with(|| make(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn each_name_has_its_own_until_there_are_too_many() {
        let made = RefCell::new(Vec::new());
        let by_name = ByName::new();
        let used = RefCell::new(Vec::new());
        for _ in 0..2 {
            for n in 0..NAMES_MAX + 10 {
                let make = |name: &str| {
                    made.borrow_mut().push(name.to_owned());
                    name.to_owned()
                };
                by_name.with(&format!("n{n}"), make, |value: &String| {
                    used.borrow_mut().push(value.clone());
                });
            }
        }
        assert_eq!(made.borrow().len(), NAMES_MAX + 1);
        let used = used.borrow();
        assert_eq!(used.len(), 2 * (NAMES_MAX + 10));
        assert_eq!(used.iter().filter(|name| *name == OTHER).count(), 20);
        assert_eq!(used.iter().filter(|name| *name == "n7").count(), 2);
    }
}
