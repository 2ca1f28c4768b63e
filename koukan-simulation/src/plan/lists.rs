//! Lists: addresses that stand for all recipients of a message.

use koukan_core::{
    filter::router::{Decision, Policy},
    path::ForwardPath,
};

use super::{Letter, To};

/// The domain of all lists.
const DOMAIN: &str = "list.test";

/// Expands lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists;

impl Letter {
    /// The address that stands for all of its recipients. It names them, so that any process can expand it.
    pub fn list(&self) -> String {
        let members = self.to.iter().map(|to| {
            let kind = if to.exists { "ok" } else { "nobody" };
            format!("{}-{}-{kind}", to.index, to.destination)
        });
        let members: Vec<_> = members.collect();
        format!("{}.{}@{DOMAIN}", self.number, members.join("."))
    }

    /// What the client names in RCPT commands, and whom each stands for.
    pub(crate) fn named(&self, to: &[To]) -> Vec<(String, Vec<To>)> {
        if self.is_list {
            return vec![(self.list(), to.to_vec())];
        }
        let named = to.iter().map(|to| (to.address(self.number), vec![*to]));
        named.collect()
    }
}

/// The number of the message, and the recipients that the list stands for.
pub(crate) fn members(list: &str) -> Option<(u32, Vec<To>)> {
    let (local, domain) = list.split_once('@')?;
    let mut words = local.split('.').filter(|_| domain == DOMAIN);
    let number = words.next()?.parse().ok()?;
    let members = words.map(|word| {
        let mut parts = word.split('-');
        Some(To {
            index: parts.next()?.parse().ok()?,
            destination: parts.next()?.parse().ok()?,
            exists: parts.next()? == "ok",
        })
    });
    Some((number, members.collect::<Option<_>>()?))
}

impl Policy for Lists {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let Some((number, members)) = members(recipient.as_str()) else {
            return Decision::Pass;
        };
        let members = members.iter().map(|to| {
            let path = to.address(number).parse::<ForwardPath>();
            path.expect("an address")
        });
        Decision::Expand(members.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_members() {
        let to = [(0, 2, true), (1, 0, false)].map(|(index, destination, exists)| To {
            index,
            destination,
            exists,
        });
        let letter = Letter {
            number: 17,
            to: to.to_vec(),
            is_list: true,
            size: 0,
        };
        assert_eq!(letter.list(), "17.0-2-ok.1-0-nobody@list.test");
        assert_eq!(members(&letter.list()), Some((17, to.to_vec())));
        assert_eq!(members(&to[0].address(17)), None);
        assert_eq!(members("s17@clients.test"), None);
    }
}
