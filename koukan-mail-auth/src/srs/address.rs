//! Rewriting addresses, and reversing that.

use koukan_core::path::{Mailbox, is_same_domain};

use super::Secrets;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// After how many days the day counter wraps around.
const DAYS: i64 = 1024;
/// The digits of the day counter.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Rewrites mailboxes to mailboxes of a domain of one's own, and reverses that.
///
/// # Example
///
/// ```
/// use koukan_mail_auth::srs::{Secrets, Srs};
///
/// let srs = Srs::new("srs.example.com");
/// let secrets: Secrets = "a secret of one's own\n".parse()?;
/// let day = 20_000;
/// let rewritten = srs.rewrite(&"alice@example.org".parse()?, &secrets, day).unwrap();
/// assert!(rewritten.as_str().starts_with("SRS0="));
/// assert_eq!(srs.reverse(&rewritten, &secrets, day + 21)?.as_str(), "alice@example.org");
/// assert!(srs.reverse(&rewritten, &secrets, day + 22).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Srs {
    domain: Box<str>,
    max_age: i64,
}

/// Why an address cannot be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSrs {
    /// The address is not a rewritten one.
    #[error("the address is not a rewritten one")]
    Form,
    /// The hash does not match any of the secrets.
    #[error("the hash was not made with any of our secrets")]
    Hash,
    /// The address was made too long ago.
    #[error("the address is too old")]
    Expired,
}

impl Srs {
    /// Rewrites to mailboxes of this domain, which are valid for 21 days.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.into(),
            max_age: 21,
        }
    }

    /// Sets for how many days rewritten addresses are valid, at most 1000.
    #[must_use]
    pub fn with_max_age(mut self, days: u16) -> Self {
        self.max_age = i64::from(days).min(1000);
        self
    }

    /// Whether a mailbox is in the domain.
    pub fn is_of_domain(&self, mailbox: &Mailbox) -> bool {
        is_same_domain(mailbox.domain_text(), &self.domain)
    }

    /// The day that contains this time, in seconds since 1970.
    pub fn day(seconds: i64) -> i64 {
        seconds.div_euclid(DAY)
    }

    /// The mailbox of the domain that stands for `mailbox`; `None` where it would be longer than a mailbox may
    /// be. It is valid from `day` on.
    pub fn rewrite(&self, mailbox: &Mailbox, secrets: &Secrets, day: i64) -> Option<Mailbox> {
        let (local, host) = (mailbox.unquoted_local_part(), mailbox.domain_text());
        let rewritten = if let Some((first, inner)) = rewritten_twice(&local) {
            // The domain that rewrote it first stays in the address.
            let hash = secrets.hash(&[first, inner]);
            format!("SRS1={hash}={first}={inner}")
        } else if tagged(&local, "SRS0").is_some() {
            // The rest, with its separator.
            let inner = local.get(4..)?;
            let hash = secrets.hash(&[host, inner]);
            format!("SRS1={hash}={host}={inner}")
        } else {
            let stamp = stamp(day);
            let hash = secrets.hash(&[&stamp, host, &local]);
            format!("SRS0={hash}={stamp}={host}={local}")
        };
        self.mailbox(&rewritten, &self.domain)
    }

    /// The mailbox that a rewritten one stands for: the original, or the address made by the first agent
    /// that rewrote it.
    ///
    /// # Errors
    ///
    /// [`InvalidSrs`].
    pub fn reverse(
        &self,
        mailbox: &Mailbox,
        secrets: &Secrets,
        day: i64,
    ) -> Result<Mailbox, InvalidSrs> {
        let local = mailbox.unquoted_local_part();
        if let Some(rest) = tagged(&local, "SRS1") {
            let parts: Vec<_> = rest.splitn(3, '=').collect();
            let [hash, host, inner] = parts[..] else {
                return Err(InvalidSrs::Form);
            };
            if !secrets.has_made(hash, &[host, inner]) {
                return Err(InvalidSrs::Hash);
            }
            let reversed = self.mailbox(&format!("SRS0{inner}"), host);
            return reversed.ok_or(InvalidSrs::Form);
        }
        let rest = tagged(&local, "SRS0").ok_or(InvalidSrs::Form)?;
        let parts: Vec<_> = rest.splitn(4, '=').collect();
        let [hash, stamp, host, user] = parts[..] else {
            return Err(InvalidSrs::Form);
        };
        if !secrets.has_made(hash, &[stamp, host, user]) {
            return Err(InvalidSrs::Hash);
        }
        let made = day_of(stamp).ok_or(InvalidSrs::Form)?;
        if (day - made).rem_euclid(DAYS) > self.max_age {
            return Err(InvalidSrs::Expired);
        }
        self.mailbox(user, host).ok_or(InvalidSrs::Form)
    }

    /// A mailbox with this local part, quoted where necessary.
    fn mailbox(&self, local: &str, domain: &str) -> Option<Mailbox> {
        let plain: Option<Mailbox> = format!("{local}@{domain}").parse().ok();
        // A local part that contains quotes itself needs another pair around it.
        if let Some(plain) = plain.filter(|plain| plain.unquoted_local_part() == local) {
            return Some(plain);
        }
        let escaped = local.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"@{domain}").parse().ok()
    }
}

/// The text after the tag and its separator.
fn tagged<'a>(local: &'a str, tag: &str) -> Option<&'a str> {
    let begin = local.get(..tag.len())?;
    let rest = local.get(tag.len()..)?;
    let is_tagged = begin.eq_ignore_ascii_case(tag);
    is_tagged.then(|| rest.strip_prefix(['=', '+', '-']))?
}

/// Splits a local part that was rewritten twice into the first rewriter's domain and its local part.
/// Local parts of other domains may look the same.
fn rewritten_twice(local: &str) -> Option<(&str, &str)> {
    let (_hash, rest) = tagged(local, "SRS1")?.split_once('=')?;
    rest.split_once('=')
}

fn stamp(day: i64) -> String {
    let day = usize::try_from(day.rem_euclid(DAYS)).unwrap_or_default();
    let digit = |value: usize| char::from(BASE32[value % 32]);
    [digit(day / 32), digit(day)].iter().collect()
}

/// The day, within the range of the counter.
fn day_of(stamp: &str) -> Option<i64> {
    let digit = |octet: u8| {
        let octet = octet.to_ascii_uppercase();
        let place = BASE32.iter().position(|known| *known == octet)?;
        i64::try_from(place).ok()
    };
    match stamp.as_bytes() {
        [high, low] => Some(digit(*high)? * 32 + digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Secrets {
        text.parse().unwrap()
    }

    fn mailbox(text: &str) -> Mailbox {
        text.parse().unwrap()
    }

    #[test]
    fn a_domain_is_the_same_in_all_spellings() {
        let srs = Srs::new("b\u{fc}cher.example");
        for domain in ["B\u{dc}CHER.example", "xn--bcher-kva.example"] {
            assert!(srs.is_of_domain(&mailbox(&format!("a@{domain}"))));
        }
        assert!(!srs.is_of_domain(&mailbox("a@bucher.example")));
    }

    #[test]
    fn what_was_rewritten_is_found_again_and_nothing_else() {
        let srs = Srs::new("srs.example");
        let (own, others) = (secrets("a secret\n"), secrets("another secret\n"));
        for original in [
            "alice@example.org",
            "Al+x=y@Example.org",
            "\"a b\"@example.org",
            "\"\\\"a\\\"\"@example.org",
            "\"a@b\\\\c\"@example.org",
            "a@[192.0.2.1]",
            "SRS1=a@example.org",
        ] {
            let rewritten = srs.rewrite(&mailbox(original), &own, 1000).unwrap();
            assert!(srs.is_of_domain(&rewritten), "{rewritten}");
            let reversed = srs.reverse(&rewritten, &own, 1021).unwrap();
            assert!(
                reversed.is_same(&mailbox(original)),
                "{original} {reversed}"
            );
            // Across the wrap-around of the counter.
            assert_eq!(
                srs.reverse(&rewritten, &own, 1022),
                Err(InvalidSrs::Expired)
            );
            assert_eq!(
                srs.reverse(&rewritten, &others, 1000),
                Err(InvalidSrs::Hash)
            );
            let shouted = mailbox(&rewritten.as_str().replace("SRS0=", "srs0="));
            assert!(srs.reverse(&shouted, &own, 1000).is_ok());
        }
        let forged = mailbox("SRS0=AAAA=AA=example.org=alice@srs.example");
        assert_eq!(srs.reverse(&forged, &own, 0), Err(InvalidSrs::Hash));
        for text in [
            "alice@srs.example",
            "SRS0@srs.example",
            "SRS0=a@srs.example",
            "SRS1=a=b@srs.example",
        ] {
            assert_eq!(
                srs.reverse(&mailbox(text), &own, 0),
                Err(InvalidSrs::Form),
                "{text}"
            );
        }
    }

    #[test]
    fn an_older_secret_knows_what_it_has_made() {
        let srs = Srs::new("srs.example");
        let rewritten = srs
            .rewrite(&mailbox("a@x.example"), &secrets("the old one"), 5)
            .unwrap();
        let both = secrets("# newest first\nthe new one\n\n  the old one  \n");
        assert_eq!(
            srs.reverse(&rewritten, &both, 5).unwrap(),
            mailbox("a@x.example")
        );
        let now = srs.rewrite(&mailbox("a@x.example"), &both, 5).unwrap();
        assert!(srs.reverse(&now, &secrets("the old one"), 5).is_err());
    }

    #[test]
    fn one_that_was_rewritten_elsewhere_goes_back_there() {
        let (first, second, third) = (
            Srs::new("f.example"),
            Srs::new("g.example"),
            Srs::new("h.example"),
        );
        let own = secrets("a secret\n");
        let once = first
            .rewrite(&mailbox("alice@example.org"), &own, 7)
            .unwrap();
        let twice = second.rewrite(&once, &own, 7).unwrap();
        let thrice = third.rewrite(&twice, &own, 7).unwrap();
        assert!(twice.as_str().starts_with("SRS1="), "{twice}");
        assert!(thrice.as_str().len() <= twice.as_str().len());
        for (srs, mailbox) in [(&second, &twice), (&third, &thrice)] {
            assert_eq!(srs.reverse(mailbox, &own, 7).unwrap(), once);
        }
    }
}
