//! What a server answers to an SMTP command: the [`Reply`] and its parts.
//!
//! A reply is a *verdict*, not an error: stages return it as `Ok(reply)`. Constructors are named by
//! meaning ([`Reply::no_such_user`]), so numeric codes occur in one place only.

mod code;
mod dialogue;
mod encryption;
mod enhanced;
mod extensions;
mod final_replies;
mod handover;
mod meaning;
mod origin;
mod rejection;
mod remote_mta;
mod retry_after;
mod standing;
mod suppressed;
mod text;
mod tls_verdict;
mod unreached;

pub use self::{
    code::{InvalidReplyCode, ReplyCode},
    dialogue::{Dialogue, DialogueLines, Recording, Speaker},
    encryption::Encryption,
    enhanced::{EnhancedCode, InvalidEnhancedCode},
    extensions::Extensions,
    final_replies::{FinalReplies, InPlaceOf},
    handover::Handover,
    origin::{Concerning, FromUpstream, Said},
    rejection::Rejection,
    remote_mta::RemoteMta,
    retry_after::RetryAfter,
    suppressed::Suppressed,
    tls_verdict::TlsVerdict,
    unreached::Unreached,
};

use std::{borrow::Cow, fmt};

use self::text::Text;

/// An SMTP reply: a three-digit code, an enhanced status code where one applies, and text.
///
/// *Shape*: the text contains no code, no enhanced code, and no line ends other than `
/// `, which separates the lines of a multi-line reply. Whoever writes a reply to a socket adds the rest.
///
/// Two replies are equal if their code, enhanced code and text are; extensions are ignored. Clones
/// share text and extensions, so cloning is cheap.
///
/// *Source*: RFC 5321 section 4.2, RFC 2034, RFC 3463.
///
/// # Example
///
/// ```
/// use koukan_core::reply::Reply;
///
/// let reply = Reply::no_such_user();
/// assert!(reply.is_permanent());
/// assert_eq!(reply.to_string(), "550 5.1.1 no such user here");
/// ```
#[derive(Clone)]
pub struct Reply {
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    text: Text,
    extensions: Extensions,
}

impl Reply {
    /// Makes a reply of its parts.
    ///
    /// Control characters in `text`, which could break the framing, are replaced by `?`; `\r
    /// ` counts as one `
    /// `.
    pub fn new(
        code: ReplyCode,
        enhanced: Option<EnhancedCode>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            enhanced,
            text: Text::new(text.into()),
            extensions: Extensions::default(),
        }
    }

    /// As [`Reply::new`], with a copy of the text.
    pub fn copied(code: ReplyCode, enhanced: Option<EnhancedCode>, text: &str) -> Self {
        Self {
            code,
            enhanced,
            text: Text::copy(text),
            extensions: Extensions::default(),
        }
    }

    /// The three-digit code.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// The enhanced status code, if the reply has one.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// The text; `\n` separates lines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Typed values that accompany the reply within this process, and are never sent.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Replaces the text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = Text::new(text.into());
        self
    }

    /// Replaces the code by another of the same class.
    fn with_code(mut self, code: ReplyCode) -> Self {
        debug_assert_eq!(self.code.as_u16() / 100, code.as_u16() / 100);
        self.code = code;
        self
    }

    /// Attaches a typed value, replacing an earlier one of the same type.
    #[must_use]
    pub fn with_extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Attaches all of these, each replacing an earlier one of the same type. If the reply has none,
    /// they are shared without copying.
    #[must_use]
    pub fn with_extensions(mut self, extensions: &Extensions) -> Self {
        self.extensions.add(extensions);
        self
    }

    /// Removes the extension of this type.
    #[must_use]
    pub fn without_extension<T: 'static>(mut self) -> Self {
        self.extensions.remove::<T>();
        self
    }

    /// Removes all extensions.
    #[must_use]
    pub fn without_extensions(mut self) -> Self {
        self.extensions = Extensions::default();
        self
    }

    /// Whether the code is 2yz: the requested action was done.
    pub fn is_positive(&self) -> bool {
        self.code.is_positive()
    }

    /// Whether the code is 4yz or 5yz.
    pub fn is_negative(&self) -> bool {
        self.code.is_transient() || self.code.is_permanent()
    }

    /// Whether the code is 4yz: the same command may succeed later.
    pub fn is_transient(&self) -> bool {
        self.code.is_transient()
    }

    /// Whether the code is 5yz: there is no point in repeating the command.
    pub fn is_permanent(&self) -> bool {
        self.code.is_permanent()
    }
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.enhanced, self.text()) == (other.code, other.enhanced, other.text())
    }
}

impl Eq for Reply {}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.code, f)?;
        if let Some(enhanced) = self.enhanced {
            f.write_str(" ")?;
            fmt::Display::fmt(&enhanced, f)?;
        }
        f.write_str(" ")?;
        for (index, line) in self.text().split('\n').enumerate() {
            f.write_str(if index == 0 { "" } else { " / " })?;
            f.write_str(line)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_the_framing() {
        let reply = Reply::ok().with_text("one\r\n250 two\0\rthree");
        assert_eq!(reply.text(), "one\n250 two??three");
    }

    #[test]
    fn equality_ignores_extensions() {
        assert_eq!(Reply::ok().with_extension(7_u8), Reply::ok());
        assert_ne!(Reply::ok(), Reply::local_error());
    }

    #[test]
    fn an_extension_comes_back_by_its_type() {
        let reply = Reply::ok().with_extension(7_u8).with_extension("a");
        assert_eq!(reply.extensions().get::<u8>(), Some(&7));
        assert_eq!(reply.extensions().get::<&str>(), Some(&"a"));
        assert_eq!(reply.extensions().get::<u16>(), None);
        let others = Extensions::of(8_u8);
        let both = reply.with_extensions(&others);
        assert_eq!(both.extensions().get::<u8>(), Some(&8));
        assert_eq!(both.extensions().get::<&str>(), Some(&"a"));
        let alone = Reply::ok().with_extensions(&others);
        assert_eq!(alone.extensions().get::<u8>(), Some(&8));
        let none = both.with_extensions(&Extensions::default());
        assert_eq!(none.extensions().get::<u8>(), Some(&8));
    }
}
