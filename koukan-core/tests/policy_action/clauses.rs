//! How often a rule is asked in a transaction, and which rules of its tag are asked after it.

use koukan_core::filter::policy_action::{Facts, Matcher, Moment, Verdict};

use super::*;

/// Matches at one moment, or from MAIL on, and counts how often it was asked.
#[derive(Debug, Clone)]
struct Counts {
    only_at: Option<Moment>,
    asked: Arc<AtomicUsize>,
}

impl Counts {
    fn always() -> Self {
        Self {
            only_at: None,
            asked: Arc::default(),
        }
    }

    fn at(moment: Moment) -> Self {
        Self {
            only_at: Some(moment),
            ..Self::always()
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Matcher for Counts {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.only_at {
            Some(moment) if moment != facts.moment => Verdict::NotYetKnown,
            _ => Verdict::Match,
        }
    }
}

/// The observed results of these rules for a message to that many recipients, which passes.
async fn told(
    recipients: &[&str],
    all: impl IntoIterator<Item = PolicyRule, IntoIter: DoubleEndedIterator>,
) -> Vec<String> {
    let (seen, observers) = seen();
    let all = all.into_iter();
    let all = all.map(|rule| rule.with_observers(observers.clone()));
    let service = rules(all, BoxMailService::new(Script::new()));
    let recipients = recipients.iter().map(|to| rcpt(to));
    let outcome = send(service, mail("a@x"), recipients, "\r\nhello\r\n").await;
    assert!(outcome.is_delivered());
    let seen = seen.0.lock().unwrap();
    seen.clone()
}

const RECIPIENTS: [&str; 3] = ["eve@y", "bob@y", "carol@y"];

#[tokio::test]
async fn a_rule_that_has_matched_is_not_asked_again_nor_is_its_tag_where_that_ends() {
    for (action, expected, after) in [
        (PolicyAction::Log, vec!["first LOG", "second MATCH"], 1),
        (PolicyAction::Tag, vec!["second MATCH"], 1),
        (PolicyAction::Match, vec!["first MATCH"], 0),
    ] {
        let (first, second) = (Counts::always(), Counts::always());
        let other = Counts::always();
        let all = [
            PolicyRule::new("t")
                .with_name("first")
                .with_match(Expression::new(first.clone()))
                .with_action(action),
            PolicyRule::new("t")
                .with_name("second")
                .with_match(Expression::new(second.clone())),
            // It has another tag, so it is asked whatever the others do.
            PolicyRule::new("u")
                .with_name("other")
                .with_match(Expression::new(other.clone()))
                .with_action(PolicyAction::Tag),
        ];
        assert_eq!(told(&RECIPIENTS, all).await, expected);
        let asked = [first.asked(), second.asked(), other.asked()];
        assert_eq!(asked, [1, after, 1], "{action:?}");
    }
}

#[tokio::test]
async fn a_rule_that_knows_late_is_asked_in_each_phase_until_then() {
    // At MAIL, at three recipients, before the message and at its end.
    for (moment, asked, first) in [
        (Moment::Rcpt(1), 3, "late MATCH"),
        (Moment::Message, 5, "late MATCH"),
        (Moment::End, 6, "late MATCH"),
    ] {
        let (late, waits) = (Counts::at(moment), Counts::always());
        let all = [
            PolicyRule::new("t")
                .with_name("late")
                .with_match(Expression::new(late.clone())),
            reject("t").with_match(Expression::new(waits.clone())),
        ];
        assert_eq!(told(&RECIPIENTS, all).await, [first]);
        assert_eq!((late.asked(), waits.asked()), (asked, 0), "{moment:?}");
    }
}

#[tokio::test]
async fn a_rule_per_recipient_is_asked_once_for_each_and_ends_its_tag_for_that_one() {
    let list = MailboxList::default().with_prefixes(["eve"]);
    let is_eve = AddressMatcher::new(WhichAddress::RcptTo, list);
    let others = Counts::always();
    let all = [
        PolicyRule::new("t")
            .with_name("eve")
            .with_match(Expression::new(is_eve))
            .per_recipient(),
        PolicyRule::new("t")
            .with_name("others")
            .with_match(Expression::new(others.clone()))
            .with_action(PolicyAction::Log)
            .per_recipient(),
    ];
    let told = told(&RECIPIENTS, all).await;
    assert_eq!(told, ["eve MATCH", "others LOG", "others LOG"]);
    assert_eq!(others.asked(), 2);
}

#[tokio::test]
async fn of_several_actions_one_is_drawn_for_a_transaction_and_one_for_each_recipient() {
    let random = Arc::new(SeededRandom::new(3));
    let drawn = |rule: PolicyRule| {
        rule.with_actions([(1.0, PolicyAction::Log), (1.0, PolicyAction::Match)])
            .with_random(random.clone())
    };
    let (mut logged, mut ended) = (0, 0);
    for _ in 0..100 {
        let all = [
            drawn(PolicyRule::new("t").with_name("drawn")),
            PolicyRule::new("t").with_name("after"),
        ];
        match &*told(&RECIPIENTS, all).await {
            [first, second] => {
                assert_eq!([&**first, &**second], ["drawn LOG", "after MATCH"]);
                logged += 1;
            }
            [only] => {
                assert_eq!(only, "drawn MATCH");
                ended += 1;
            }
            told => panic!("{told:?}"),
        }
    }
    assert!((30..=70).contains(&logged), "{logged}");
    assert_eq!(logged + ended, 100);

    let recipients: Vec<_> = (0..100).map(|number| format!("b{number}@y")).collect();
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    let rule = drawn(PolicyRule::new("t")).per_recipient();
    let told = told(&recipients, [rule]).await;
    let logged = told.iter().filter(|told| *told == "t LOG").count();
    assert!((30..=70).contains(&logged), "{logged}");
    assert_eq!(told.len(), 100);
}
