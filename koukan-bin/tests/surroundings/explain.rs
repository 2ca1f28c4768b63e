//! Explanations, on a network that the test scripts.

use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use koukan_core::{
    context::{Context, Sender},
    resource::{
        Explain, Explanation, MatcherFound, NotePhase, PassageOf, RuleFound, RuleLook, TlsWay, Way,
        What,
    },
    transaction::{Mail, Rcpt},
};

use super::*;

const CONFIG: &str = r#"
hostname: mx.example.org
storage: memory
notification: { sender: outgoing }
smtp_listener: [{ address: "127.0.0.1:2525", sender: in }]
sender:
  - { name: in, chain: in }
  - { name: outgoing, chain: outgoing }
  - { name: archive, chain: archive }
chain:
  - name: in
    filter:
      - scanner: { address: "192.0.2.99:3310" }
      - policy_action:
          tag: hello
          match: { matcher: smtp_auth }
          action: REJECT
      - policy_action:
          tag: subject
          name: no_offers
          match:
            all:
              - { matcher: header, name: Subject, value: offer }
              - not: { matcher: smtp_auth }
          action: REJECT
      - policy_action:
          tag: subject
          name: after
          action: LOG
      - policy_action:
          tag: spam
          mode: PER_RCPT
          match: { matcher: address_list, which_addr: rcpt_to, domains: [spam.example] }
          action: REJECT
      - received_header
      - add_route: { sender: archive }
    endpoint: { exploder: { policy: submission, sender: outgoing } }
  - name: outgoing
    filter:
      - router: { rules: [{ address_list: { domains: [fixed.example], hosts: ["192.0.2.7:26"] } }, { dest_domain: { mx: true } }] }
    endpoint: { smtp: { mta_sts: true } }
  - name: archive
    endpoint: { smtp: { host: ["192.0.2.8:465"], tls: required, tls_mode: immediate } }
"#;

const ZONE: &str = r#"
one.example.    MX 10 mx.example.net.
mx.example.net. A 192.0.2.25
_mta-sts.one.example. TXT "v=STSv1; id=1"
loop.example.   MX 10 self.example.
self.example.   A 127.0.0.1
"#;

pub(super) fn asked(to: &[&str], message: &'static str) -> Explain {
    Explain {
        context: Context::new(Sender::new("in")),
        mail: Mail::new(
            "a@example.org"
                .parse::<koukan_core::path::ReversePath>()
                .unwrap(),
        ),
        recipients: to
            .iter()
            .map(|to| Rcpt::new(to.parse::<koukan_core::path::ForwardPath>().unwrap()))
            .collect(),
        message: Some(message.into()),
    }
}

/// A scanner that cannot be reached.
async fn scan(_: Transaction, _: Next) -> Result<Reply, BoxError> {
    Ok(Reply::local_error())
}

/// Explains, and returns the addresses to which something connected.
async fn explain(asked: Explain) -> (Explanation, Vec<SocketAddr>) {
    #[derive(Deserialize)]
    struct Scanner {
        #[expect(dead_code, reason = "it is told only")]
        address: String,
    }
    let script = Script::new();
    let connector = connector(&script);
    let builder = Koukan::builder()
        .resolver(ScriptedResolver::of_zone(ZONE))
        .connector(connector.clone())
        .filter("scanner", |_: Scanner| from_fn(scan))
        .asks("scanner", |config| {
            format!("a scanner at {}", config["address"].as_str().unwrap())
        });
    let agent = builder.config_text("koukan.yaml", CONFIG).unwrap();
    (agent.explain(asked).await.unwrap(), connector.asked())
}

/// The evaluations of a rule, in the first passage.
fn looks<'a>(explanation: &'a Explanation, rule: &str) -> Vec<(&'a NotePhase, &'a RuleLook)> {
    let notes = explanation.passages[0].notes.iter();
    let looks = notes.filter_map(|note| match &note.what {
        What::Rule(look) => Some((&note.phase, look)),
        _ => None,
    });
    looks.filter(|(_, look)| *look.rule == *rule).collect()
}

fn ways(explanation: &Explanation) -> Vec<&Way> {
    let notes = explanation
        .passages
        .iter()
        .flat_map(|passage| &passage.notes);
    let ways = notes.filter_map(|note| match &note.what {
        What::Goes(way) => Some(way),
        _ => None,
    });
    ways.collect()
}

#[tokio::test]
async fn each_part_has_its_chain_its_hosts_and_what_tls_must_be() {
    let to = [
        "b@one.example",
        "b@fixed.example",
        "b@loop.example",
        "b@none.example",
    ];
    let (explanation, connected) = explain(asked(&to, "Subject: hi\r\n\r\nhello\r\n")).await;
    assert!(connected.is_empty(), "{connected:?}");
    let codes: Vec<_> = explanation
        .recipients
        .iter()
        .map(|reply| reply.code().as_u16())
        .collect();
    assert_eq!(codes, [250, 250, 550, 550]);
    let parts = explanation
        .passages
        .iter()
        .filter(|passage| passage.of == PassageOf::Part(0));
    assert_eq!(parts.count(), 4);
    let hosts: Vec<_> = ways(&explanation)
        .into_iter()
        .map(|way| match way {
            Way::Hosts { domain, hosts, .. } => {
                let host = &hosts[0];
                let refused = host.addresses[0]
                    .1
                    .as_ref()
                    .map(|reply| reply.code().as_u16());
                (domain.as_deref(), host.host.to_string(), host.tls, refused)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let of = |domain, host: &str, tls, refused| (domain, host.to_owned(), tls, refused);
    for expected in [
        of(
            Some("one.example"),
            "mx.example.net:25",
            TlsWay::MtaSts,
            None,
        ),
        of(None, "192.0.2.7:26", TlsWay::Opportunistic, None),
        of(
            Some("loop.example"),
            "self.example:25",
            TlsWay::Opportunistic,
            Some(550),
        ),
        of(None, "192.0.2.8:465", TlsWay::Required, None),
    ] {
        assert!(hosts.contains(&expected), "{expected:?} {hosts:?}");
    }
    let immediate = ways(&explanation).into_iter().filter_map(|way| match way {
        Way::Hosts { hosts, .. } => hosts.iter().find(|host| host.is_immediate),
        Way::Http { .. } => None,
    });
    let immediate: BTreeSet<_> = immediate.map(|host| host.host.to_string()).collect();
    assert_eq!(immediate, ["192.0.2.8:465".to_owned()].into());
    // The copy is for the accepted recipients.
    let copy = explanation
        .passages
        .iter()
        .find(|passage| passage.of == PassageOf::Copy(0));
    assert_eq!(&*copy.unwrap().chain, "archive");
    let nowhere = explanation
        .passages
        .iter()
        .flat_map(|passage| &passage.notes);
    let nowhere = nowhere.filter(|note| matches!(note.what, What::GoesNowhere(_)));
    assert_eq!(nowhere.count(), 1);
}

#[tokio::test]
async fn rules_tell_that_they_match_or_do_not_or_do_not_know_yet() {
    let message = "From: a@example.org\r\nSubject: offer\r\n\r\nbuy\r\n";
    let (explanation, _) = explain(asked(&["b@one.example", "b@spam.example"], message)).await;
    let hello = looks(&explanation, "hello");
    assert_eq!(hello.len(), 1);
    assert_eq!(hello[0].0, &NotePhase::Mail);
    assert_eq!(hello[0].1.found, RuleFound::NoMatch);
    assert_eq!(hello[0].1.asked, [("smtp_auth".into(), MatcherFound::No)]);
    let offers = looks(&explanation, "no_offers");
    let (first, last) = (offers[0], offers[offers.len() - 1]);
    assert_eq!(
        (first.0, first.1.found),
        (&NotePhase::Mail, RuleFound::NotYetKnown)
    );
    assert_eq!(first.1.asked[0].1, MatcherFound::NotYetKnown);
    assert_eq!(
        (last.0, last.1.found),
        (&NotePhase::Header, RuleFound::Match)
    );
    assert_eq!(last.1.action, Some("REJECT"));
    assert_eq!(last.1.reply, explanation.message);
    assert!(
        last.1.asked[0].0.starts_with("header {"),
        "{:?}",
        last.1.asked
    );
    assert_eq!(looks(&explanation, "after")[0].1.found, RuleFound::Waits);
    let spam = looks(&explanation, "spam");
    let found: Vec<_> = spam
        .iter()
        .map(|(phase, look)| ((*phase).clone(), look.found))
        .collect();
    let rcpt = |to: &str| NotePhase::Rcpt(to.into());
    assert_eq!(
        found,
        [
            (rcpt("b@one.example"), RuleFound::NoMatch),
            (rcpt("b@spam.example"), RuleFound::Match),
        ]
    );
    assert_eq!(Some(&explanation.recipients[1]), spam[1].1.reply.as_ref());
    assert!(explanation.message.as_ref().unwrap().is_permanent());
    // Only rules say what they refuse.
    let notes = &explanation.passages[0].notes;
    assert!(
        !notes
            .iter()
            .any(|note| matches!(note.what, What::Refused(_))),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_filter_that_asks_others_is_left_out_and_says_so() {
    let (explanation, connected) = explain(asked(&["b@one.example"], "\r\nhello\r\n")).await;
    let first = &explanation.passages[0].notes[0];
    let whom = What::WouldAsk("a scanner at 192.0.2.99:3310".into());
    assert_eq!((first.filter, &first.what), (Some(0), &whom));
    assert!(explanation.message.unwrap().is_positive());
    assert!(connected.is_empty() && explanation.unasked.is_empty());
}

async fn hold(_: State<Arc<()>>, tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    next.run(tx).await
}

/// A filter that takes long to build once it is told so, and that keeps a value alive.
#[tokio::test]
async fn what_takes_long_to_be_made_holds_up_nobody_and_is_let_go_in_the_end() {
    #[derive(Deserialize)]
    struct Nothing {}
    const LIMIT: Duration = Duration::from_secs(30);

    let (is_slow, held) = (Arc::new(AtomicBool::new(false)), Arc::new(()));
    let (begin, mut begun) = tokio::sync::mpsc::channel(9);
    let (release, released) = mpsc::sync_channel(9);
    let released = Mutex::new(released);
    let (slow, holding) = (Arc::clone(&is_slow), Arc::clone(&held));
    let builder = Koukan::builder()
        .resolver(ScriptedResolver::of_zone(ZONE))
        .filter("slow", move |Nothing {}| {
            if slow.load(Ordering::Relaxed) {
                begin.try_send(()).unwrap();
                let released = released.lock().unwrap().recv_timeout(LIMIT);
                released.expect("others go on meanwhile");
            }
            from_fn_with_state(Arc::clone(&holding), hold)
        });
    let text = CONFIG.replacen(
        "- scanner: { address: \"192.0.2.99:3310\" }",
        "- slow: {}",
        1,
    );
    let agent = builder.config_text("koukan.yaml", &text).unwrap();
    let before = Arc::strong_count(&held);
    is_slow.store(true, Ordering::Relaxed);
    let explained = agent.explain(asked(&["b@one.example"], "\r\nhello\r\n"));
    let meanwhile = async {
        begun.recv().await.unwrap();
        release.send(()).unwrap();
    };
    let (explanation, ()) = tokio::join!(explained, meanwhile);
    assert!(explanation.unwrap().message.unwrap().is_positive());
    assert_eq!(Arc::strong_count(&held), before);
}
