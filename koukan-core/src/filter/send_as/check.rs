//! The decision about a message, and changes to it.

use crate::{
    filter::Replaceable,
    message::{header_edit::HeaderEdit, header_section::HeaderSection, opening::SEPARATOR_MAX},
    path::{Mailbox, ReversePath},
    reply::Reply,
};

use super::Permissions;

/// Which addresses each client may use, and what happens to messages with others.
#[derive(Debug, Clone)]
pub struct SendAs {
    permissions: Replaceable<Permissions>,
    delimiter: Option<char>,
    is_without_null: bool,
    is_without_header: bool,
    lets_others_pass: bool,
    unsuitable: Unsuitable,
}

/// What happens to a message whose `From` or `Sender` field has an address that its client may not use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsuitable {
    /// It is refused.
    #[default]
    Refused,
    /// The `Sender` field is replaced by the reverse-path, which tells who has sent it. The `From` field stays, if
    /// there is exactly one and it contains only addresses.
    SenderRewritten,
    /// The `From` field is replaced by the reverse-path, and a `Sender` field is removed.
    FromRewritten,
}

/// The decision about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    Rewritten(HeaderEdit),
    Refused(Reply),
}

impl SendAs {
    /// Permits these addresses as reverse-path, in `From` and in `Sender`. Everybody may use the null
    /// reverse-path.
    pub fn new(permissions: Permissions) -> Self {
        Self::following(Replaceable::new(permissions))
    }

    /// As [`SendAs::new`], with the current permissions at the time.
    pub fn following(permissions: Replaceable<Permissions>) -> Self {
        Self {
            permissions,
            delimiter: None,
            is_without_null: false,
            is_without_header: false,
            lets_others_pass: false,
            unsuitable: Unsuitable::default(),
        }
    }

    /// Ignores what follows the first `delimiter` in a local part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Does not permit the null reverse-path.
    #[must_use]
    pub fn without_null(mut self) -> Self {
        self.is_without_null = true;
        self
    }

    /// Checks only the reverse-path, and not the header section.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.is_without_header = true;
        self
    }

    /// Lets identities without permissions, and clients without an identity, use all addresses; by default
    /// they may use none.
    #[must_use]
    pub fn letting_others_pass(mut self) -> Self {
        self.lets_others_pass = true;
        self
    }

    /// Sets what happens to messages with other addresses in their header section, instead of a refusal.
    #[must_use]
    pub fn with_unsuitable(mut self, unsuitable: Unsuitable) -> Self {
        self.unsuitable = unsuitable;
        self
    }

    pub(super) fn looks_at_header(&self) -> bool {
        !self.is_without_header
    }

    /// The largest growth of a header section, in octets.
    pub(super) fn growth(&self, reverse_path: &ReversePath) -> u64 {
        match self.unsuitable {
            Unsuitable::Refused => 0,
            _ => ("Sender: \r\n".len() + reverse_path.as_str().len() + SEPARATOR_MAX) as u64,
        }
    }

    fn allows(&self, identity: Option<&str>, mailbox: &Mailbox) -> bool {
        let permissions = self.permissions.current();
        match identity.filter(|identity| permissions.knows(identity)) {
            Some(identity) => permissions.allow(identity, mailbox, self.delimiter),
            None => self.lets_others_pass,
        }
    }

    /// Whether MAIL may use this reverse-path.
    pub(super) fn mail(
        &self,
        identity: Option<&str>,
        reverse_path: &ReversePath,
    ) -> Result<(), Reply> {
        let is_allowed = match reverse_path.mailbox() {
            Some(mailbox) => self.allows(identity, mailbox),
            None => !self.is_without_null,
        };
        match is_allowed {
            true => Ok(()),
            false => Err(refusal(format!(
                "<{reverse_path}> may not be used as sender by you"
            ))),
        }
    }

    /// The decision about a message with this header section.
    pub(super) fn message(
        &self,
        identity: Option<&str>,
        reverse_path: &ReversePath,
        header: &HeaderSection,
    ) -> Verdict {
        let senders = header.senders();
        let from = match &senders {
            None => Err("From has to be there once, with addresses alone".to_owned()),
            Some(all) => self.all_allowed(identity, "From", all),
        };
        let sender = self.sender(identity, header);
        let Err(text) = from.clone().and(sender) else {
            return Verdict::Passes;
        };
        // The true sender: it was checked at MAIL.
        let Some(path) = reverse_path.mailbox() else {
            return Verdict::Refused(refusal(text));
        };
        let edit = match self.unsuitable {
            Unsuitable::Refused => None,
            Unsuitable::SenderRewritten => senders.and_then(|_| {
                let edit = HeaderEdit::default().without("Sender");
                edit.with("Sender", path.as_str()).ok()
            }),
            Unsuitable::FromRewritten => {
                let edit = HeaderEdit::default().without("Sender");
                match from {
                    Ok(()) => Some(edit),
                    Err(_) => edit.without("From").with("From", path.as_str()).ok(),
                }
            }
        };
        match edit {
            Some(edit) => Verdict::Rewritten(edit),
            None => Verdict::Refused(refusal(text)),
        }
    }

    /// The `Sender` field has at most one address.
    fn sender(&self, identity: Option<&str>, header: &HeaderSection) -> Result<(), String> {
        let mut fields = header.all("sender");
        let Some(field) = fields.next() else {
            return Ok(());
        };
        let mailboxes: Option<Vec<_>> = field.mailboxes().into_iter().collect();
        match mailboxes.as_deref() {
            Some(one @ [_]) if fields.next().is_none() => self.all_allowed(identity, "Sender", one),
            _ => Err("Sender has to be there once at most, with one address".to_owned()),
        }
    }

    fn all_allowed(
        &self,
        identity: Option<&str>,
        field: &str,
        mailboxes: &[Mailbox],
    ) -> Result<(), String> {
        let mut mailboxes = mailboxes.iter();
        match mailboxes.find(|mailbox| !self.allows(identity, mailbox)) {
            None => Ok(()),
            Some(other) => Err(format!("<{other}> may not be used in {field} by you")),
        }
    }
}

fn refusal(text: String) -> Reply {
    Reply::policy_refused().with_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send_as() -> SendAs {
        let text = "alice alice@x.example \u{fc}@x.example\nteam team.example\n";
        SendAs::new(text.parse().unwrap()).with_delimiter('+')
    }

    #[test]
    fn reverse_paths() {
        let strict = send_as().without_null();
        let lenient = send_as().letting_others_pass();
        for (rules, identity, path, is_allowed) in [
            (&send_as(), Some("alice"), "alice@x.example", true),
            (&send_as(), Some("alice"), "ALICE+list@X.example", true),
            (&send_as(), Some("alice"), "\"alice\"@x.example", true),
            (&send_as(), Some("alice"), "\u{fc}@x.example", true),
            (&send_as(), Some("alice"), "\u{dc}@x.example", false),
            (&send_as(), Some("alice"), "bob@x.example", false),
            (
                &send_as(),
                Some("alice"),
                "alice@x.example.evil.example",
                false,
            ),
            (&send_as(), Some("alice"), "", true),
            (&strict, Some("alice"), "", false),
            (&send_as(), Some("team"), "any@team.example", true),
            (&send_as(), Some("team"), "any@sub.team.example", false),
            (&send_as(), Some("eve"), "alice@x.example", false),
            (&send_as(), None, "alice@x.example", false),
            (&lenient, None, "alice@x.example", true),
            (&lenient, Some("eve"), "alice@x.example", true),
            (&lenient, Some("team"), "alice@x.example", false),
        ] {
            let found = rules.mail(identity, &path.parse().unwrap());
            assert_eq!(found.is_ok(), is_allowed, "{identity:?} {path}");
        }
    }

    #[test]
    fn header_sections() {
        let path: ReversePath = "alice@x.example".parse().unwrap();
        for (fields, is_allowed) in [
            ("From: Alice <alice@x.example>", true),
            ("From: <@r.example,@s.example:alice+x@x.example>", true),
            ("From: us: alice@x.example, \u{fc}@x.example;", true),
            ("From: \"boss@x.example\" <alice@x.example>", true),
            ("From: =?utf-8?q?boss=40x.example?= <alice@x.example>", true),
            ("From: alice@x.example (boss@x.example)", true),
            ("From: alice@x.example\r\nSender: alice@x.example", true),
            ("From: boss@x.example", false),
            ("From: alice@x.example, boss@x.example", false),
            ("From: us: alice@x.example, boss@x.example;", false),
            (
                "From: boss@x.example <alice@x.example> boss@x.example",
                false,
            ),
            ("From: <boss@x.example> <alice@x.example>", false),
            ("From: =?utf-8?q?alice=40x.example?=", false),
            ("From: us:;", false),
            ("From:", false),
            ("Subject: none", false),
            ("From: alice@x.example\r\nFrom: alice@x.example", false),
            ("From: alice@x.example\r\n?\r\nFROM : boss@x.example", false),
            ("From: alice@x.example\r\nSender: boss@x.example", false),
            (
                "From: alice@x.example\r\nSender: alice@x.example, \u{fc}@x.example",
                false,
            ),
            (
                "From: alice@x.example\r\nSender: alice@x.example\r\nsender: a",
                false,
            ),
            ("From: boss@x.example\r\nSender: alice@x.example", false),
        ] {
            let header = HeaderSection::parse(format!("{fields}\r\n\r\n"));
            let found = send_as().message(Some("alice"), &path, &header);
            assert_eq!(found == Verdict::Passes, is_allowed, "{fields}");
        }
    }

    #[test]
    fn what_is_rewritten_says_who_has_sent_it() {
        use Unsuitable::{FromRewritten, SenderRewritten};
        for (unsuitable, path, fields, expected) in [
            (
                SenderRewritten,
                "alice@x.example",
                "From: boss@x.example\r\nSender: boss@x.example\r\n",
                Some("Sender: alice@x.example\r\nFrom: boss@x.example\r\n"),
            ),
            // There is nobody whom it could be from.
            (
                SenderRewritten,
                "alice@x.example",
                "From: a@x\r\nFrom: b@x\r\n",
                None,
            ),
            (SenderRewritten, "", "From: boss@x.example\r\n", None),
            (
                FromRewritten,
                "alice@x.example",
                "From: boss@x.example\r\nX: y\r\nfrom: b@x\r\nSender: b@x\r\n",
                Some("From: alice@x.example\r\nX: y\r\n"),
            ),
            (
                FromRewritten,
                "alice@x.example",
                "From: Alice <alice@x.example>\r\nSender: b@x\r\n",
                Some("From: Alice <alice@x.example>\r\n"),
            ),
            (FromRewritten, "", "From: boss@x.example\r\n", None),
            // The text before the first field must not continue the inserted one.
            (
                FromRewritten,
                "alice@x.example",
                " , boss@x.example\r\nFrom: boss@x.example\r\n\r\n",
                Some("From: alice@x.example\r\n\r\n , boss@x.example\r\n\r\n"),
            ),
            (
                SenderRewritten,
                "alice@x.example",
                "\t, boss@x.example\r\nFrom: boss@x.example\r\n\r\n",
                Some(
                    "Sender: alice@x.example\r\n\r\n\t, boss@x.example\r\nFrom: boss@x.example\r\n\r\n",
                ),
            ),
        ] {
            let rules = send_as().with_unsuitable(unsuitable);
            let header = HeaderSection::parse(fields);
            let found = rules.message(Some("alice"), &path.parse().unwrap(), &header);
            let edited = match found {
                Verdict::Rewritten(edit) => Some(edit.apply(fields.as_bytes())),
                Verdict::Refused(_) => None,
                Verdict::Passes => panic!("{fields}"),
            };
            assert_eq!(edited.as_deref(), expected.map(str::as_bytes), "{fields}");
        }
    }
}
