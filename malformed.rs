//! A document that cannot be read.

use std::borrow::Cow;

use koukan_core::resource::Refusal;

/// A document is not what it has to be.
///
/// *Shape*: `rcpt_to[0].m: what is wrong and what to change`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{detail}", field.as_deref().unwrap_or(""), if field.is_some() { ": " } else { "" })]
pub struct Malformed {
    /// The field at fault; `None` for the document as a whole.
    pub field: Option<Box<str>>,
    /// What is wrong and what to change.
    pub detail: Cow<'static, str>,
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        let refusal = Self::malformed(malformed.detail);
        match malformed.field {
            Some(field) => refusal.at(field),
            None => refusal,
        }
    }
}
