//! Who may be named as the sender: reverse-paths by domain and mailbox.
//!
//! Where users submit, a reverse-path that is not theirs makes others answer for their mail: it is
//! refused at MAIL (RFC 6409 section 6.1), with 550 5.7.1. The message's own `From` field is not looked
//! at.

use std::sync::Arc;

use crate::{
    middleware::callbacks::{CallbackLayer, Callbacks, callbacks},
    path::{Mailbox, ReversePath},
    reply::{Rejection, Reply},
    transaction::{Mail, Transaction},
};

/// The reverse-paths that may be used.
///
/// The null reverse-path may be, unless [`AllowedSenders::without_null`] is said: what answers a
/// message (RFC 8098) has to use it.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     filter::allowed_senders::{AllowedSenders, allowed_senders},
///     reply::Reply,
///     test_util::{Script, mail, rcpt, send},
/// };
/// use tower::Layer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let ours = AllowedSenders::default().with_domains(["example.com"]);
/// let service = allowed_senders(ours).layer(Script::new());
/// let outcome = send(service, mail("eve@example.net"), [rcpt("bob@y")], "\r\n").await;
/// assert_eq!(outcome.mail.code(), Reply::policy_refused().code());
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct AllowedSenders {
    domains: Vec<Box<str>>,
    mailboxes: Vec<Mailbox>,
    delimiter: Option<char>,
    is_without_null: bool,
}

impl AllowedSenders {
    /// Every mailbox in these domains may be used. ASCII case does not matter.
    #[must_use]
    pub fn with_domains<D: Into<Box<str>>>(mut self, domains: impl IntoIterator<Item = D>) -> Self {
        self.domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// These mailboxes may be used. ASCII case does not matter, in local parts either: nobody makes
    /// two of what differs by case alone.
    #[must_use]
    pub fn with_mailboxes(mut self, mailboxes: impl IntoIterator<Item = Mailbox>) -> Self {
        self.mailboxes.extend(mailboxes);
        self
    }

    /// Leaves out of account what follows the first `delimiter` in a local part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// The null reverse-path may not be used.
    #[must_use]
    pub fn without_null(mut self) -> Self {
        self.is_without_null = true;
        self
    }

    /// Whether a reverse-path may be used.
    pub fn allows(&self, reverse_path: &ReversePath) -> bool {
        match reverse_path.mailbox() {
            Some(mailbox) => self.allows_mailbox(mailbox),
            None => !self.is_without_null,
        }
    }

    fn allows_mailbox(&self, mailbox: &Mailbox) -> bool {
        let domain = mailbox.domain_text();
        let is_domain = |known: &str| known.eq_ignore_ascii_case(domain);
        if self.domains.iter().any(|known| is_domain(known)) {
            return true;
        }
        let local = mailbox.unquoted_local_part();
        let end = self.delimiter.and_then(|delimiter| local.find(delimiter));
        let names = [&*local, &local[..end.unwrap_or(local.len())]];
        self.mailboxes.iter().any(|known| {
            let known_local = known.unquoted_local_part();
            is_domain(known.domain_text())
                && names
                    .iter()
                    .any(|name| known_local.eq_ignore_ascii_case(name))
        })
    }
}

/// Makes a filter that refuses all other reverse-paths.
pub fn allowed_senders(
    allowed: AllowedSenders,
) -> CallbackLayer<impl Fn(&Transaction) -> Check + Clone + Send + Sync + 'static> {
    let allowed = Arc::new(allowed);
    callbacks(move |_: &Transaction| Check(Arc::clone(&allowed)))
}

/// The filter's part in one transaction.
#[derive(Debug)]
pub struct Check(Arc<AllowedSenders>);

impl Callbacks for Check {
    async fn mail(&self, mail: &mut Mail) -> Result<(), Rejection> {
        if self.0.allows(&mail.reverse_path) {
            return Ok(());
        }
        let text = format!("<{}> may not be used as sender here", mail.reverse_path);
        Err(Reply::policy_refused().with_text(text).into())
    }

    fn sees_body(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_mailboxes_the_delimiter_and_nobody() {
        let domain = AllowedSenders::default().with_domains(["example.com"]);
        let bob = AllowedSenders::default().with_mailboxes(["bob@example.com".parse().unwrap()]);
        let tagged = bob.clone().with_delimiter('+');
        let someone = domain.clone().without_null();
        for (allowed, reverse_path, is_allowed) in [
            (&domain, "any@EXAMPLE.com", true),
            (&domain, "any@sub.example.com", false),
            (&domain, "any@example.com.evil", false),
            (&domain, "\"a@example.com\"@evil", false),
            (&domain, "", true),
            (&someone, "", false),
            (&someone, "any@example.com", true),
            (&bob, "Bob@Example.Com", true),
            (&bob, "\"bob\"@example.com", true),
            (&bob, "bobby@example.com", false),
            (&bob, "bob+x@example.com", false),
            (&bob, "bob@example.net", false),
            (&tagged, "bob+x+y@example.com", true),
            (&tagged, "bob@example.com", true),
            (&tagged, "+bob@example.com", false),
            (&AllowedSenders::default(), "any@example.com", false),
        ] {
            let is_so = allowed.allows(&reverse_path.parse().unwrap());
            assert_eq!(is_so, is_allowed, "{reverse_path}");
        }
    }
}
