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
    /// The rule's tag: a group that it belongs to.
    pub tag: &'a str,
    /// The action, by its name in configurations: `REJECT`, `LOG`.
    pub action: &'a str,
    /// The recipient that it is about, where it is about one.
    pub recipient: Option<&'a ForwardPath>,
    /// The reply that refused it or the message.
    pub reply: Option<&'a Reply>,
}
