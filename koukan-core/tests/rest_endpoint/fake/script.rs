//! What the resource answers by itself.

use koukan_core::reply::Reply;

/// What is answered as soon as it is asked; `None` where the test answers.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// MAIL, by the host to deliver to.
    pub(crate) mail: fn(Option<&str>) -> Option<Reply>,
    /// RCPT, by the forward-path.
    pub(crate) rcpt: fn(&str) -> Option<Reply>,
    /// The message.
    pub(crate) data: Option<Reply>,
    /// Whether parsed messages are wanted.
    pub(crate) is_receiver: bool,
    /// Whether transactions can be made step by step.
    pub(crate) is_incremental: bool,
    /// Whether it is of the plain sort: what comes with the create is not taken for the message, a
    /// read never hangs, and the end of the message gives no other version.
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
