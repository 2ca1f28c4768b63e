//! Writes the steps of an explanation as text.

use koukan_core::resource::{HostWay, MatcherFound, RuleFound, RuleLook, TlsWay, Way, What};

/// The lines for a step: one line, and others that belong to it.
pub(super) fn lines(what: &What) -> Vec<String> {
    match what {
        What::Rule(look) => rule(look),
        What::Signal { name, value } => vec![format!("finds out {name}: {value}")],
        What::ReversePath(path) => vec![format!("the reverse-path becomes <{path}>")],
        What::ForwardPath(path) => vec![format!("the forward-path becomes <{path}>")],
        What::Refused(reply) => vec![format!("refuses it: {reply}")],
        What::Answered(reply) => vec![format!("answers it, and it goes no further: {reply}")],
        What::Added(names) => vec![format!("fields that it has got: {}", names.join(", "))],
        What::Removed(names) => vec![format!("fields that it has lost: {}", names.join(", "))],
        What::WouldAsk(whom) => vec![
            format!("would ask {whom}"),
            "it is not asked here: what follows is as if this filter was not there".to_owned(),
        ],
        What::Goes(way) => goes(way),
        What::GoesNowhere(reply) => vec![format!("goes nowhere: {reply}")],
        What::Kept(reply) => {
            let then = match reply.is_transient() {
                true => "it is kept, and tried again later; the client hears of success",
                false => "it is kept, and its sender is told; the client hears of success",
            };
            vec![format!("its part is refused: {reply}"), then.to_owned()]
        }
    }
}

fn rule(look: &RuleLook) -> Vec<String> {
    let name = match look.rule == look.tag {
        true => format!("rule {}", look.rule),
        false => format!("rule {} (tag {})", look.rule, look.tag),
    };
    let what = match (look.found, look.action) {
        (RuleFound::Match, Some(action)) => format!("matches: {action}"),
        (RuleFound::Match, None) => "matches".to_owned(),
        (RuleFound::NoMatch, _) => "does not match".to_owned(),
        (RuleFound::NotYetKnown, _) => {
            "is not known yet; it is looked at again, and the rules of its tag wait".to_owned()
        }
        (RuleFound::Waits, _) => "waits: one of its tag before it is not known yet".to_owned(),
        (RuleFound::PassedOver, _) => {
            "is passed over: it has matched, or one of its tag has".to_owned()
        }
    };
    let first = match &look.reply {
        Some(reply) => format!("{name} {what}: {reply}"),
        None => format!("{name} {what}"),
    };
    let asked = look.asked.iter().map(|(matcher, found)| {
        let found = match found {
            MatcherFound::Yes => "yes",
            MatcherFound::No => "no",
            MatcherFound::NotYetKnown => "not known yet",
        };
        format!("{matcher}: {found}")
    });
    [first].into_iter().chain(asked).collect()
}

fn goes(way: &Way) -> Vec<String> {
    match way {
        Way::Http { kind, url } => vec![format!("goes to {url} ({kind})")],
        Way::Hosts {
            protocol,
            domain,
            hosts,
        } => {
            let first = match domain {
                Some(domain) => format!("goes by {protocol} to the mail hosts of {domain}:"),
                None => format!("goes by {protocol} to the first of these that takes it:"),
            };
            let hosts = hosts.iter().flat_map(host);
            [first].into_iter().chain(hosts).collect()
        }
    }
}

fn host(way: &HostWay) -> Vec<String> {
    let begin = match way.is_immediate {
        true => ", which begins with the first octet",
        false => "",
    };
    let mut lines = vec![format!("{}, {}{begin}", way.host, tls(way.tls))];
    if let Some(reply) = &way.failed {
        lines.push(format!("  but not now: {reply}"));
    }
    for (address, refused) in &way.addresses {
        // An address literal already shows its address.
        if address.to_string() == way.host.to_string() && refused.is_none() {
            continue;
        }
        lines.push(match refused {
            Some(reply) => format!("  {address}: {reply}"),
            None => format!("  {address}"),
        });
    }
    lines
}

fn tls(way: TlsWay) -> &'static str {
    match way {
        TlsWay::Never => "without TLS",
        TlsWay::Opportunistic => "with TLS where the host offers it",
        TlsWay::Required => "with TLS, whatever the certificate",
        TlsWay::Verified => "with TLS and a certificate that is believed",
        TlsWay::Dane => "with TLS and a certificate that the DNS names (DANE)",
        TlsWay::MtaSts => {
            "with TLS as the policy of the domain says (MTA-STS), which is not fetched here"
        }
    }
}
