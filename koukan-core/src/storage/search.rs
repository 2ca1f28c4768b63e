//! Searching for transactions.

use jiff::Timestamp;

use crate::{
    host_port::HostPort,
    path::{Mailbox, domain_in_unicode, domain_key},
    reply::Reply,
    transaction::Mail,
};

use super::record::{Attempt, Recipient, SchedulingKey, StoredTransaction, TransactionId};

/// Conditions on transactions, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// It has this identity.
    pub id: Option<TransactionId>,
    /// The reverse-path is this mailbox, or the null reverse-path where this is empty.
    pub reverse_path: Option<Box<str>>,
    /// One of the recipients is this mailbox.
    pub recipient: Option<Box<str>>,
    /// One of the recipients is in this domain.
    pub domain: Option<Box<str>>,
    /// It goes to this host or domain (see [`SchedulingKey`]), as far as that was known before an
    /// attempt.
    pub destination: Option<Box<str>>,
    /// It was started at this time or later.
    pub since: Option<Timestamp>,
    /// It was started before this time.
    pub until: Option<Timestamp>,
    /// The last reply contains all of these words, or parts of words; only the first
    /// [`Search::WORDS_MAX`] count.
    pub last_reply: Option<Box<str>>,
}

/// The conditions in the form in which they are compared. ASCII case does not matter; in the last
/// reply no case does.
///
/// Earlier versions have stored international domains in the spelling in which they came. Where there are
/// several texts, each is looked for. Where there are none, there is no such condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchTerms {
    /// Texts of which one is [`Searched::reverse_path`].
    pub reverse_path: Vec<String>,
    /// Texts of which one is part of [`Searched::forward_paths`] if this is one of the recipients.
    pub recipient: Vec<String>,
    /// Texts of which one is part of [`Searched::forward_paths`] if one of the recipients is in the domain.
    pub domain: Vec<String>,
    /// Text at the end of the [`SchedulingKey`].
    pub destination: Option<String>,
    /// Texts that are all part of [`Searched::last_reply`].
    pub words: Vec<String>,
}

/// The searched values of a transaction, as texts that can be stored in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The mailbox of the reverse-path; empty where it is null.
    pub reverse_path: String,
    /// The mailboxes of the recipients, each between two line feeds: `"\na@x.example\nb@y.example\n"`.
    pub forward_paths: String,
    /// The replies of an attempt, or those that settled the recipients before: each different reply on
    /// a line.
    pub last_reply: Option<String>,
}

/// The approximate largest size of [`Searched::last_reply`], in octets.
const REPLY_MAX: usize = 1000;

impl Search {
    /// How many words of the last reply are searched.
    pub const WORDS_MAX: usize = 16;

    /// The form in which it is compared.
    pub fn wanted(&self) -> SearchTerms {
        let words = self.last_reply.as_deref().unwrap_or_default();
        let words = words.split_whitespace().take(Self::WORDS_MAX);
        let from = self.reverse_path.as_deref().map(address);
        let to = self.recipient.as_deref().map(address).unwrap_or_default();
        let domains = self.domain.as_deref().map(spellings).unwrap_or_default();
        SearchTerms {
            reverse_path: from.unwrap_or_default(),
            recipient: to.iter().map(|to| format!("\n{to}\n")).collect(),
            domain: domains.iter().map(|of| format!("@{of}\n")).collect(),
            destination: self
                .destination
                .as_deref()
                .map(|to| format!(" {}", host(to))),
            words: words.map(str::to_lowercase).collect(),
        }
    }

    /// Whether a transaction meets the conditions that do not need [`SearchTerms`].
    pub(super) fn takes(&self, stored: &StoredTransaction) -> bool {
        self.id.is_none_or(|id| stored.id == id)
            && self.since.is_none_or(|since| stored.created >= since)
            && self.until.is_none_or(|until| stored.created < until)
    }
}

impl SearchTerms {
    /// Whether a transaction meets the conditions.
    pub(super) fn takes(&self, stored: &StoredTransaction) -> bool {
        if *self == Self::default() {
            return true;
        }
        let last = stored.last_attempt.as_ref();
        let searched = Searched::of(&stored.mail, &stored.recipients, last);
        let paths = &searched.forward_paths;
        let has =
            |parts: &[String]| parts.is_empty() || parts.iter().any(|part| paths.contains(&**part));
        let reply = searched.last_reply.unwrap_or_default();
        let key = SchedulingKey::of(&stored.context, &stored.recipients);
        let wanted = &self.reverse_path;
        (wanted.is_empty() || wanted.contains(&searched.reverse_path))
            && has(&self.recipient)
            && has(&self.domain)
            && self
                .destination
                .as_ref()
                .is_none_or(|end| key.as_str().ends_with(&**end))
            && self.words.iter().all(|word| reply.contains(&**word))
    }
}

impl Searched {
    /// The searched values of a transaction after this last attempt.
    pub fn of(mail: &Mail, recipients: &[Recipient], attempt: Option<&Attempt>) -> Self {
        let mut forward_paths = String::from("\n");
        for recipient in recipients {
            let path = &recipient.rcpt.forward_path;
            forward_paths.push_str(&match path.mailbox() {
                Some(mailbox) => of_mailbox(mailbox),
                None => path.as_str().to_ascii_lowercase(),
            });
            forward_paths.push('\n');
        }
        let from = mail.reverse_path.mailbox();
        Self {
            reverse_path: from.map(of_mailbox).unwrap_or_default(),
            forward_paths,
            last_reply: Self::last_reply(recipients, attempt),
        }
    }

    /// The replies that settled the recipients, or the results of the attempt; empty if it was broken off.
    pub fn last_reply(recipients: &[Recipient], attempt: Option<&Attempt>) -> Option<String> {
        let attempt = attempt.filter(|attempt| attempt.given_final_reply().is_some());
        let mut text = String::new();
        let mut last: Option<Reply> = None;
        for (index, recipient) in recipients.iter().enumerate() {
            let brought = || attempt.map(|attempt| attempt.outcome(index).reply().clone());
            let Some(reply) = recipient.settled.clone().or_else(brought) else {
                continue;
            };
            if text.len() > REPLY_MAX {
                break;
            }
            if last.as_ref() != Some(&reply) {
                text.push_str(&reply.to_string().to_lowercase());
                text.push('\n');
                last = Some(reply);
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

/// A mailbox in the form in which it is compared: without unnecessary quotes, in lower case.
fn of_mailbox(mailbox: &Mailbox) -> String {
    local_part(mailbox) + &domain_key(mailbox.domain_text())
}

/// The part before the domain, in that form.
fn local_part(mailbox: &Mailbox) -> String {
    let mut text = mailbox.unquoted_local_part().into_owned();
    text.push('@');
    text.make_ascii_lowercase();
    text
}

/// A mailbox as a person writes it, in the forms in which it is compared.
fn address(text: &str) -> Vec<String> {
    let Ok(mailbox) = text.parse::<Mailbox>() else {
        return vec![text.to_ascii_lowercase()];
    };
    let local_part = local_part(&mailbox);
    let domains = spellings(mailbox.domain_text()).into_iter();
    domains.map(|domain| local_part.clone() + &domain).collect()
}

/// The spellings of a domain that may be stored, the present one first. Earlier versions stored the one that came, with
/// ASCII letters in lower case.
fn spellings(domain: &str) -> Vec<String> {
    let key = domain_key(domain);
    let earlier = match key.contains("xn--") {
        true => vec![domain_in_unicode(&key), domain.to_ascii_lowercase()],
        false => Vec::new(),
    };
    let mut all = vec![key];
    for one in earlier {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// A destination as a person writes it, in the form in which it is compared: as
/// [`SchedulingKey::host`].
fn host(text: &str) -> String {
    match text.parse::<HostPort>() {
        Ok(host) if host.unix().is_some() => text.to_owned(),
        _ => domain_key(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{Context, Sender},
        path::{ForwardPath, ReversePath},
        transaction::Rcpt,
    };

    fn searched(from: &str, to: &[&str]) -> Searched {
        let recipients = to.iter().map(|to| Recipient {
            rcpt: Rcpt::new(to.parse::<ForwardPath>().unwrap()),
            settled: None,
        });
        let recipients: Vec<_> = recipients.collect();
        let mail = Mail::new(from.parse::<ReversePath>().unwrap());
        Searched::of(&mail, &recipients, None)
    }

    #[test]
    fn addresses_are_kept_in_one_form() {
        let searched = searched(
            "Al.Ice@Example.COM",
            &["Postmaster", "\"b@c\"@[IPv6:::1]", "\"x\"@y"],
        );
        assert_eq!(searched.reverse_path, "al.ice@example.com");
        assert_eq!(
            searched.forward_paths,
            "\npostmaster\nb@c@[ipv6:::1]\nx@y\n"
        );
        assert_eq!(searched.last_reply, None);
    }

    #[test]
    fn a_destination_is_looked_for_as_its_key_has_it() {
        for host in [
            "Relay.example:25",
            "unix:/run/Dovecot/lmtp",
            "[2001:DB8::1]:25",
        ] {
            let mut context = Context::new(Sender::new("Out"));
            context.next_hop = Some(host.parse().unwrap());
            let key = SchedulingKey::of(&context, &[]);
            let search = Search {
                destination: Some(host.into()),
                ..Search::default()
            };
            let end = search.wanted().destination.unwrap();
            assert!(key.as_str().ends_with(&end), "{key}, {end}");
        }
    }

    /// Before, a domain was stored as it came.
    #[test]
    fn a_domain_is_looked_for_in_all_its_spellings() {
        let key = "xn--bcher-kva.example";
        for (given, expected) in [
            (key, &[key, "bücher.example"][..]),
            ("bücher.example", &[key, "bücher.example"]),
            ("BÜCHER.example", &[key, "bücher.example", "bÜcher.example"]),
            ("Example.COM", &["example.com"]),
            ("[IPv6:::1]", &["[ipv6:::1]"]),
        ] {
            assert_eq!(spellings(given), expected);
            let all: Vec<_> = expected.iter().map(|of| format!("al@{of}")).collect();
            assert_eq!(address(&format!("Al@{given}")), all);
        }
        assert_eq!(address(""), [""], "the null reverse-path");
    }

    #[test]
    fn a_domain_is_no_part_of_another() {
        let is_of = |to: &str, domain: &str| {
            let search = Search {
                domain: Some(domain.into()),
                ..Search::default()
            };
            let paths = searched("", &[to]).forward_paths;
            let wanted = search.wanted().domain;
            wanted.iter().any(|end| paths.contains(&**end))
        };
        assert!(is_of("a@Example.com", "example.COM"));
        assert!(is_of("a@[192.0.2.1]", "[192.0.2.1]"));
        assert!(is_of("a@BÜCHER.example", "xn--bcher-kva.example"));
        assert!(is_of("a@xn--bcher-kva.example", "bücher.example"));
        for (to, domain) in [
            ("a@x.example.com", "example.com"),
            ("a@example.com.x", "example.com"),
            ("\"a@example.com\"@x", "example.com"),
            ("a@example.com", "a@example.com"),
        ] {
            assert!(!is_of(to, domain), "{to} {domain}");
        }
    }
}
