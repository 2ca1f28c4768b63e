//! What policies say.

use crate::{path::ForwardPath, reply::Reply};

use super::Message;

/// A rule of a policy has matched.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PolicyMatched<'a> {
    /// Which message it is about.
    pub message: Message<'a>,
    /// The rule's name.
    pub rule: &'a str,
    /// Its tag: what it belongs to.
    pub tag: &'a str,
    /// What was done, in a word, as in configurations: `REJECT`, `LOG`.
    pub action: &'a str,
    /// The recipient that it is about, where it is about one.
    pub recipient: Option<&'a ForwardPath>,
    /// With what it or the message was refused.
    pub reply: Option<&'a Reply>,
}
