//! Explanations of messages that a router hands over to another chain.

use koukan_core::{
    context::{Context, Sender},
    path::{ForwardPath, ReversePath},
    resource::{Explain, Explanation, PassageOf, RuleFound, What},
    transaction::{Mail, Rcpt},
};

use super::*;

const CONFIG: &str = r#"
hostname: mx.example.org
storage: memory
notification: { sender: outgoing }
smtp_listener: [{ address: "127.0.0.1:2525", sender: users }]
sender:
  - { name: users, chain: users }
  - { name: outgoing, chain: outgoing }
  - { name: ours, chain: ours }
  - { name: mailboxes, chain: mailboxes }
chain:
  - name: users
    endpoint: { exploder: { policy: submission, sender: outgoing } }
  - name: outgoing
    filter:
      - router:
          rules:
            - address_list: { domains: [example.org], sender: ours }
            - address_list: { domains: [example.net], hosts: ["192.0.2.25:25"] }
    endpoint: { smtp: {} }
  - name: ours
    filter:
      - policy_action:
          mode: PER_RCPT
          tag: nobody
          match: { matcher: address_list, which_addr: rcpt_to, domains: [example.org], prefixes: [nobody] }
          action: REJECT
    endpoint: { exploder: { policy: ingress, sender: mailboxes } }
  - name: mailboxes
    endpoint: { smtp: { host: ["192.0.2.8:24"] } }
"#;

async fn explained(to: &[&str]) -> (Explanation, Vec<SocketAddr>) {
    let script = Script::new();
    let connector = connector(&script);
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(connector.clone());
    let agent = builder.config_text("koukan.yaml", CONFIG).unwrap();
    let from: ReversePath = "alice@example.org".parse().unwrap();
    let to = to.iter().map(|to| to.parse::<ForwardPath>().unwrap());
    let asked = Explain {
        context: Context::new(Sender::new("users")),
        mail: Mail::new(from),
        recipients: to.map(Rcpt::new).collect(),
        message: Some("Subject: hi\r\n\r\nhello\r\n".into()),
    };
    (agent.explain(asked).await.unwrap(), connector.asked())
}

/// Each passage: its chain, its origin, and the hosts to which it goes.
fn passages(explanation: &Explanation) -> Vec<(&str, PassageOf, Vec<String>)> {
    let all = explanation.passages.iter().map(|passage| {
        let ways = passage.notes.iter().filter_map(|note| match &note.what {
            What::Goes(way) => Some(format!("{way:?}")),
            _ => None,
        });
        (&*passage.chain, passage.of.clone(), ways.collect())
    });
    all.collect()
}

#[tokio::test]
async fn what_is_handed_over_passes_the_other_chain_and_goes_where_that_leads() {
    let (explanation, connected) = explained(&["bob@example.org", "carol@example.net"]).await;
    assert!(connected.is_empty(), "{connected:?}");
    let told = passages(&explanation);
    let chains: Vec<_> = told
        .iter()
        .map(|(chain, of, _)| (*chain, of.clone()))
        .collect();
    let at = |chain: &str| {
        let mut all = told.iter().enumerate();
        all.find(|(_, (known, ..))| *known == chain).unwrap().0
    };
    assert_eq!(chains[0], ("users", PassageOf::Client));
    // Both recipients are parts of the message. One goes to its host, the other through the chain
    // of its domain.
    let outgoing: Vec<_> = chains
        .iter()
        .filter(|(chain, _)| *chain == "outgoing")
        .collect();
    assert_eq!(
        outgoing,
        [
            &("outgoing", PassageOf::Part(0)),
            &("outgoing", PassageOf::Part(0))
        ]
    );
    let handed_over = at("ours");
    let PassageOf::Part(from) = told[handed_over].1.clone() else {
        panic!("{chains:?}");
    };
    assert_eq!(told[from].0, "outgoing");
    assert_eq!(told[from].2, Vec::<String>::new());
    let mailboxes = at("mailboxes");
    assert_eq!(told[mailboxes].1, PassageOf::Part(handed_over));
    let to_mailboxes = told[mailboxes].2.concat();
    assert!(to_mailboxes.contains("192.0.2.8"), "{to_mailboxes}");
    let abroad: String = told
        .iter()
        .filter(|(chain, ..)| *chain == "outgoing")
        .flat_map(|(.., ways)| ways.iter().map(String::as_str))
        .collect();
    assert!(
        abroad.contains("192.0.2.25") && !abroad.contains("192.0.2.8"),
        "{abroad}"
    );
    assert_eq!(
        explanation.passages[handed_over].sender,
        Sender::new("ours")
    );
}

#[tokio::test]
async fn who_is_refused_there_is_told_with_the_rule_that_does_it() {
    let (explanation, _) = explained(&["nobody@example.org"]).await;
    let mut there = explanation.passages.iter();
    let there = there.find(|passage| &*passage.chain == "ours");
    let notes = &there.unwrap().notes;
    let refuses = notes.iter().any(|note| {
        matches!(&note.what, What::Rule(look) if &*look.rule == "nobody"
            && look.found == RuleFound::Match)
    });
    assert!(refuses, "{notes:#?}");
    assert!(
        explanation
            .passages
            .iter()
            .all(|passage| &*passage.chain != "mailboxes")
    );
}
