//! The RCPT commands for members of an alias.

use std::fmt::Write as _;

use crate::{
    path::{ForwardPath, Parameter},
    transaction::{Rcpt, dsn::Notify},
};

/// The RCPT of one of `count` members of an alias.
///
/// With several members, the success of one says nothing about the alias, so notifications of success are not
/// requested. The alias is passed on as the original recipient.
///
/// *Source*: RFC 3461 sections 5.2.7.1 and 5.2.7.2.
pub(super) fn member(alias: &Rcpt, path: &ForwardPath, count: usize) -> Rcpt {
    let mut rcpt = Rcpt {
        forward_path: path.clone(),
        parameters: alias.parameters.clone(),
    };
    let notify = alias.notify();
    if count > 1 && notify.success {
        rcpt.parameters.remove("NOTIFY");
        let notify = Notify {
            success: false,
            ..notify
        };
        // A parameter was taken out before.
        let value = Parameter::new("NOTIFY", Some(keywords(notify)));
        let _ = value.map(|value| rcpt.parameters.push(value));
    }
    if !rcpt.parameters.contains("ORCPT")
        && let Some(mailbox) = alias
            .forward_path
            .mailbox()
            .filter(|alias| alias.is_ascii())
    {
        let value = format!("rfc822;{}", xtext(mailbox.as_str()));
        // Its keyword is not there.
        let orcpt = Parameter::new("ORCPT", Some(&value));
        let _ = orcpt.map(|orcpt| rcpt.parameters.push(orcpt));
    }
    rcpt
}

/// *Source*: RFC 3461 section 4.
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' if octet != b'+' && octet != b'=' => encoded.push(char::from(octet)),
            // Writing into a text does not fail.
            _ => drop(write!(encoded, "+{octet:02X}")),
        }
    }
    encoded
}

fn keywords(notify: Notify) -> &'static str {
    match (notify.failure, notify.delay) {
        (true, true) => "FAILURE,DELAY",
        (true, false) => "FAILURE",
        (false, true) => "DELAY",
        (false, false) => "NEVER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_alias_is_written_as_xtext() {
        let alias = Rcpt::new("\"a b\"@x".parse::<ForwardPath>().unwrap());
        let member = member(&alias, &"b+c=d@y".parse().unwrap(), 1);
        let orcpt = member.original_recipient().unwrap();
        assert_eq!(orcpt.address, "\"a b\"@x");
        assert_eq!(xtext("b+c=d@y"), "b+2Bc+3Dd@y");
    }

    #[test]
    fn what_is_asked_of_notifications_goes_to_members() {
        for (asked, count, expected) in [
            (&[][..], 1, "ORCPT=rfc822;list@x"),
            (
                &[("NOTIFY", "SUCCESS,FAILURE")],
                1,
                "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;list@x",
            ),
            (
                &[("NOTIFY", "SUCCESS,FAILURE")],
                2,
                "NOTIFY=FAILURE ORCPT=rfc822;list@x",
            ),
            (
                &[("NOTIFY", "SUCCESS")],
                2,
                "NOTIFY=NEVER ORCPT=rfc822;list@x",
            ),
            (
                &[("NOTIFY", "NEVER")],
                2,
                "NOTIFY=NEVER ORCPT=rfc822;list@x",
            ),
            (
                &[("NOTIFY", "NEVER")],
                1,
                "NOTIFY=NEVER ORCPT=rfc822;list@x",
            ),
            (&[("ORCPT", "rfc822;first@y")], 2, "ORCPT=rfc822;first@y"),
        ] {
            let mut alias = Rcpt::new("list@x".parse::<ForwardPath>().unwrap());
            for (keyword, value) in asked {
                let parameter = Parameter::new(keyword, Some(value)).unwrap();
                alias.parameters.push(parameter).unwrap();
            }
            let member = member(&alias, &"bob@y".parse().unwrap(), count);
            assert_eq!(member.forward_path.as_str(), "bob@y");
            let found: Vec<_> = member
                .parameters
                .iter()
                .map(|of| format!("{}={}", of.keyword(), of.value().unwrap_or_default()))
                .collect();
            let mut found = found;
            found.sort();
            assert_eq!(found.join(" "), expected, "{asked:?} {count}");
        }
    }
}
