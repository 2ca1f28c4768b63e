//! The template that notifications are written by.

use std::sync::{Arc, Mutex, PoisonError};

use super::Template;

/// The template that notifications are written by now. Clones share it, so that it can be replaced while
/// an agent runs.
#[derive(Debug, Clone, Default)]
pub struct Words(Arc<Mutex<Arc<Template>>>);

impl Words {
    /// A template that may be replaced.
    pub fn new(template: Template) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(template))))
    }

    /// Replaces it for notifications that are written from now on.
    pub fn replace(&self, template: Template) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(template);
    }

    /// The template as it is now.
    pub fn template(&self) -> Arc<Template> {
        let template = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&template)
    }
}
