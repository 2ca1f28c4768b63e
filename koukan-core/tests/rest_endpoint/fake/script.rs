//! What the resource answers by itself.

use koukan_core::reply::Reply;

/// The answers that are given at once; `None` if the test answers.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// The answer to MAIL, by the host to deliver to.
    pub(crate) mail: fn(Option<&str>) -> Option<Reply>,
    /// The answer to RCPT, by the forward-path.
    pub(crate) rcpt: fn(&str) -> Option<Reply>,
    /// The answer to the message.
    pub(crate) data: Option<Reply>,
    /// Whether parsed messages are wanted.
    pub(crate) is_receiver: bool,
    /// Whether transactions can be made step by step.
    pub(crate) is_incremental: bool,
    /// Whether it is a simple implementation: it does not take content in the create for the
    /// message, its reads never hang, and the end of the message does not change the version.
    pub(crate) is_plain: bool,
}

impl Script {
    /// Accepts everything.
    pub(crate) fn accepting() -> Self {
        Self {
            mail: |_| Some(Reply::sender_ok()),
            rcpt: |_| Some(Reply::recipient_ok()),
            data: Some(Reply::message_accepted()),
            is_receiver: false,
            is_incremental: true,
            is_plain: false,
        }
    }

    /// Answers nothing.
    pub(crate) fn silent() -> Self {
        Self {
            mail: |_| None,
            rcpt: |_| None,
            data: None,
            ..Self::accepting()
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::accepting()
    }
}
