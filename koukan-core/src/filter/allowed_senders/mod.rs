//! Which reverse-paths may be used, by domain and mailbox.
//!
//! If users could submit mail with other people's reverse-paths, those people would be blamed for it.
//! Such mail is refused at MAIL (RFC 6409 section 6.1), with 550 5.7.1. The message's own `From` field
//! is not checked.

use std::sync::Arc;

use crate::{
    middleware::callbacks::{CallbackLayer, Callbacks, callbacks},
    path::{Mailbox, ReversePath, is_same_domain},
    reply::{Rejection, Reply},
    transaction::{Mail, Transaction},
};

/// The reverse-paths that may be used.
///
/// The null reverse-path is allowed unless [`AllowedSenders::without_null`] is set, since responses
/// to messages (RFC 8098) must use it.
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
    /// Allows every mailbox in these domains. ASCII case does not matter.
    #[must_use]
    pub fn with_domains<D: Into<Box<str>>>(mut self, domains: impl IntoIterator<Item = D>) -> Self {
        self.domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// Allows these mailboxes. ASCII case does not matter, not even in local parts: nobody has two
    /// mailboxes that differ only by case.
    #[must_use]
    pub fn with_mailboxes(mut self, mailboxes: impl IntoIterator<Item = Mailbox>) -> Self {
        self.mailboxes.extend(mailboxes);
        self
    }

    /// Ignores what follows the first `delimiter` in a local part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Does not allow the null reverse-path.
    #[must_use]
    pub fn without_null(mut self) -> Self {
        self.is_without_null = true;
        self
    }

    /// Whether this reverse-path is allowed.
    pub fn allows(&self, reverse_path: &ReversePath) -> bool {
        match reverse_path.mailbox() {
            Some(mailbox) => self.allows_mailbox(mailbox),
            None => !self.is_without_null,
        }
    }

    fn allows_mailbox(&self, mailbox: &Mailbox) -> bool {
        let domain = mailbox.domain_text();
        let is_domain = |known: &str| is_same_domain(known, domain);
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

/// A filter that refuses all other reverse-paths.
pub fn allowed_senders(
    allowed: AllowedSenders,
) -> CallbackLayer<impl Fn(&Transaction) -> Check + Clone + Send + Sync + 'static> {
    let allowed = Arc::new(allowed);
    callbacks(move |_: &Transaction| Check(Arc::clone(&allowed)))
}

/// The filter's state for one transaction.
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
