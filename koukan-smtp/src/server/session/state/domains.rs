//! The domains of a transaction's recipients.

use koukan_core::{path::domain_key, transaction::Rcpt};

/// The different domains of recipients, as by [`domain_key`]; `None` stands for recipients without a domain.
#[derive(Debug, Default)]
pub(super) struct Domains(Vec<Option<Box<str>>>);

impl Domains {
    /// Whether there would be more than `max` domains with that recipient's.
    pub(super) fn would_exceed(&self, rcpt: &Rcpt, max: usize) -> bool {
        self.0.len() >= max && !self.0.contains(&domain(rcpt))
    }

    pub(super) fn add(&mut self, rcpt: &Rcpt) {
        let domain = domain(rcpt);
        if !self.0.contains(&domain) {
            self.0.push(domain);
        }
    }
}

fn domain(rcpt: &Rcpt) -> Option<Box<str>> {
    let mailbox = rcpt.forward_path.mailbox()?;
    Some(domain_key(mailbox.domain_text()).into())
}

#[cfg(test)]
mod tests {
    use koukan_core::path::ForwardPath;

    use super::*;

    fn rcpt(path: &str) -> Rcpt {
        Rcpt::new(path.parse::<ForwardPath>().unwrap())
    }

    #[test]
    fn the_same_domain_counts_once() {
        let mut domains = Domains::default();
        for path in ["a@x.example", "b@X.Example", "postmaster"] {
            assert!(!domains.would_exceed(&rcpt(path), 2), "{path}");
            domains.add(&rcpt(path));
        }
        for (path, is_too_many) in [
            ("c@x.example", false),
            ("postmaster", false),
            ("a@y.example", true),
        ] {
            assert_eq!(domains.would_exceed(&rcpt(path), 2), is_too_many, "{path}");
        }
        domains.add(&rcpt("a@b\u{fc}cher.example"));
        for path in ["b@B\u{dc}CHER.example", "b@xn--bcher-kva.example"] {
            assert!(!domains.would_exceed(&rcpt(path), 3), "{path}");
        }
    }
}
