//! The originator of a message, where its spec does not name one.

use crate::path::{Mailbox, ReversePath};

use super::{super::SpecError, Address, Header, HeaderValue, Spec};

/// Fields of authors, and of the one among them, or beside them, who sends.
const PAIRS: [(&str, &str); 2] = [("from", "sender"), ("resent-from", "resent-sender")];

impl Spec {
    /// Sets the originator where the spec does not: RFC 5322 section 3.6.2.
    ///
    /// - Without `From`, the message is from the reverse-path.
    /// - With several addresses in `From` (or `Resent-From`) and no `Sender` (`Resent-Sender`), the
    ///   sender is the reverse-path; if that is null, the first of the addresses.
    ///
    /// # Errors
    ///
    /// [`SpecError`] where there is neither a `From` nor a mailbox in the reverse-path.
    pub fn originate(&mut self, reverse_path: &ReversePath) -> Result<(), SpecError> {
        let mailbox = match reverse_path {
            ReversePath::Mailbox(mailbox) => Some(mailbox),
            _ => None,
        };
        if self.header("from").is_none() {
            let Some(mailbox) = mailbox else {
                return Err(SpecError {
                    path: "headers".into(),
                    message: "lacks a `from`, and there is no mail_from to take it from".into(),
                });
            };
            self.headers.insert(0, one("from", mailbox.clone()));
        }
        for (authors, sender) in PAIRS {
            self.add_sender(authors, sender, mailbox);
        }
        Ok(())
    }

    fn add_sender(&mut self, authors: &str, sender: &str, mailbox: Option<&Mailbox>) {
        let is = |header: &Header| header.name().eq_ignore_ascii_case(authors);
        let mut fields = (0..self.headers.len()).filter(|index| is(&self.headers[*index]));
        // A message that was resent twice has two blocks of fields, which belong together.
        let (Some(index), None) = (fields.next(), fields.next()) else {
            return;
        };
        let HeaderValue::Addresses(addresses) = self.headers[index].value() else {
            return;
        };
        let [first, _, ..] = &addresses[..] else {
            return;
        };
        if self.header(sender).is_none() {
            let mailbox = mailbox.unwrap_or(first.address()).clone();
            self.headers.insert(index + 1, one(sender, mailbox));
        }
    }
}

/// A field of one address.
fn one(name: &str, address: Mailbox) -> Header {
    let addresses = [Address::unnamed(address)].into();
    Header::known(name, HeaderValue::Addresses(addresses))
}
