//! The template with which notifications are written.

use std::sync::{Arc, Mutex, PoisonError};

use super::Template;

/// The template with which notifications are currently written. Clones share it, so that it can be
/// replaced while an agent runs.
#[derive(Debug, Clone, Default)]
pub struct Words(Arc<Mutex<Arc<Template>>>);

impl Words {
    /// Holds a template that may be replaced later.
    pub fn new(template: Template) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(template))))
    }

    /// Replaces it for notifications written from now on.
    pub fn replace(&self, template: Template) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(template);
    }

    /// The current template.
    pub fn template(&self) -> Arc<Template> {
        let template = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&template)
    }
}
