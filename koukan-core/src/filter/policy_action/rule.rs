//! A rule.

use std::sync::Arc;

use crate::{
    event::{Event, Message, Observers, PolicyMatched},
    random::{SharedRandom, SystemRandom},
    reply::{Rejection, Reply},
    signals::TraceId,
};

use super::{
    Expression, Facts, Moment, Verdict,
    results::{self, Standing},
    watch::{Look, Looked, RuleWatch},
};

/// What happens when a rule matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyAction {
    /// The transaction or recipient is refused. The other rules of the tag are skipped.
    Reject,
    /// The same, with a reply that makes the client try again.
    Defer,
    /// Observers are told of the match, and the rule is skipped from then on. Other rules of the tag are
    /// still evaluated, so a new rule can be tried beside one that is in force.
    Log,
    /// Observers are told of the match, and all rules of the tag are skipped from then on. So a rule can
    /// make an exception to those after it.
    #[default]
    Match,
    /// A signal is set, and nothing else happens.
    Tag,
}

impl PolicyAction {
    /// Its name in configurations, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "REJECT",
            Self::Defer => "DEFER",
            Self::Log => "LOG",
            Self::Match => "MATCH",
            Self::Tag => "TAG",
        }
    }

    /// Whether it refuses.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Reject | Self::Defer)
    }

    /// The default reply of a rule with this name: 450 4.7.1 for a deferral, else 550 5.7.1.
    pub fn reply(self, rule: &str) -> Reply {
        match self {
            Self::Defer => {
                Reply::policy_deferred().with_text(format!("deferred by policy ({rule})"))
            }
            _ => Reply::policy_refused().with_text(format!("refused by policy ({rule})")),
        }
    }

    /// Whether the action makes the other rules of the tag be skipped.
    pub fn ends_tag(self) -> bool {
        matches!(self, Self::Reject | Self::Defer | Self::Match)
    }
}

/// A condition and an action.
#[derive(Debug, Clone)]
pub struct PolicyRule {
    pub(super) tag: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) expression: Expression,
    pub(super) is_per_recipient: bool,
    /// Each with its share.
    actions: Vec<(f64, PolicyAction)>,
    reply: Option<Reply>,
    random: SharedRandom,
    observers: Observers,
    watch: Option<Arc<dyn RuleWatch>>,
}

/// The outcome of evaluating a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It must be evaluated again later.
    Open,
    /// Its result is final.
    Done,
    /// The transaction, or the recipient, is refused.
    Refused(Reply),
}

impl PolicyRule {
    /// A rule with this tag that always matches, with [`PolicyAction::Match`]. Its name is the tag.
    ///
    /// Rules of one tag belong together: see [`PolicyAction`].
    pub fn new(tag: impl Into<Arc<str>>) -> Self {
        let tag = tag.into();
        Self {
            name: Arc::clone(&tag),
            tag,
            expression: Expression::default(),
            is_per_recipient: false,
            actions: vec![(1.0, PolicyAction::default())],
            reply: None,
            random: Arc::new(SystemRandom),
            observers: Observers::default(),
            watch: None,
        }
    }

    /// Sets its name, which appears in signals, logs and metrics.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_match(mut self, expression: Expression) -> Self {
        self.expression = expression;
        self
    }

    /// Evaluates the rule for each recipient; the action applies to the recipient.
    #[must_use]
    pub fn per_recipient(mut self) -> Self {
        self.is_per_recipient = true;
        self
    }

    /// Sets the action.
    #[must_use]
    pub fn with_action(self, action: PolicyAction) -> Self {
        self.with_actions([(1.0, action)])
    }

    /// Chooses one of these actions at random, in proportion to its share. Shares that are not above 0 are
    /// ignored. If no share is left, the rule only matches.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = (f64, PolicyAction)>) -> Self {
        let actions = actions.into_iter();
        self.actions = actions.filter(|(share, _)| *share > 0.0).collect();
        self
    }

    /// Sets the reply of a refusal. It must be negative; another one is ignored.
    ///
    /// Without it, the reply is 550 5.7.1, or 450 4.7.1 if the client is to try again, with the rule's
    /// name.
    #[must_use]
    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply).filter(Reply::is_negative);
        self
    }

    /// Sets the random numbers for the choice between several actions.
    #[must_use]
    pub fn with_random(mut self, random: SharedRandom) -> Self {
        self.random = random;
        self
    }

    /// Sets who is told that it has matched.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Sets who is told of each evaluation, whatever its outcome.
    #[must_use]
    pub fn with_watch(mut self, watch: Arc<dyn RuleWatch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Evaluates the rule.
    pub(super) fn look(&self, facts: &Facts<'_>) -> Outcome {
        let rcpt = match facts.moment {
            Moment::Rcpt(position) if self.is_per_recipient => Some(position),
            _ => None,
        };
        let standing = facts
            .results
            .standing(&self.tag, &self.name, facts.moment, rcpt);
        match standing {
            Standing::Next => {}
            Standing::Suspended => {
                self.tell(facts, Looked::Waits, &[]);
                return Outcome::Open;
            }
            Standing::Over => {
                self.tell(facts, Looked::PassedOver, &[]);
                return Outcome::Done;
            }
        }
        let is_late = matches!(facts.moment, Moment::Message | Moment::End);
        let (verdict, asked) = self.ask(facts);
        match verdict {
            Verdict::NotYetKnown => self.tell(facts, Looked::NotYetKnown, &asked),
            Verdict::NoMatch => self.tell(facts, Looked::NoMatch, &asked),
            Verdict::Match => {}
        }
        match verdict {
            Verdict::NotYetKnown => {
                facts.results.suspend(&self.tag, &self.name, facts.moment);
                Outcome::Open
            }
            Verdict::NoMatch if self.expression.changes() && !is_late => Outcome::Open,
            Verdict::NoMatch => Outcome::Done,
            Verdict::Match => self.act(facts, rcpt, &asked),
        }
    }

    /// The result, and the matchers' results, if somebody wants to know them.
    fn ask(&self, facts: &Facts<'_>) -> (Verdict, Vec<(Box<str>, Verdict)>) {
        if self.watch.is_none() {
            return (self.expression.matches(facts), Vec::new());
        }
        let mut asked = Vec::new();
        let verdict = self.expression.ask(facts, &mut |name, matcher, verdict| {
            let name = name.map_or_else(|| format!("{matcher:?}").into(), Box::from);
            asked.push((name, verdict));
        });
        (verdict, asked)
    }

    fn tell(&self, facts: &Facts<'_>, looked: Looked<'_>, asked: &[(Box<str>, Verdict)]) {
        if let Some(watch) = &self.watch {
            watch.looked(&Look {
                rule: &self.name,
                tag: &self.tag,
                facts,
                looked,
                asked,
            });
        }
    }

    fn act(
        &self,
        facts: &Facts<'_>,
        rcpt: Option<usize>,
        asked: &[(Box<str>, Verdict)],
    ) -> Outcome {
        let action = self.sample();
        let tag = action.ends_tag().then_some(&self.tag);
        facts.results.note(&self.name, tag, rcpt);
        results::tell(
            facts.signals,
            &self.name,
            &self.tag,
            action.as_str(),
            tag.is_some(),
        );
        let reply = action.is_refusal().then(|| self.reply(action));
        self.tell(facts, Looked::Match(action, reply.as_ref()), asked);
        if action != PolicyAction::Tag {
            self.observers.tell(&Event::PolicyMatched(PolicyMatched {
                message: Message {
                    trace: Some(TraceId::of(facts.signals)),
                    id: None,
                    context: facts.context,
                    reverse_path: Some(&facts.mail.reverse_path),
                },
                rule: &self.name,
                tag: &self.tag,
                action: action.as_str(),
                recipient: facts.rcpt.map(|rcpt| &rcpt.forward_path),
                reply: reply.as_ref(),
            }));
        }
        reply.map_or(Outcome::Done, Outcome::Refused)
    }

    fn sample(&self) -> PolicyAction {
        let [(_, only)] = self.actions[..] else {
            let all: f64 = self.actions.iter().map(|(share, _)| share).sum();
            let mut left = self.random.unit() * all;
            let mut actions = self.actions.iter();
            let chosen = actions.find(|(share, _)| {
                left -= share;
                left < 0.0
            });
            let chosen = chosen.or(self.actions.last());
            return chosen.map_or(PolicyAction::default(), |(_, action)| *action);
        };
        only
    }

    fn reply(&self, action: PolicyAction) -> Reply {
        if let Some(reply) = &self.reply
            && (action == PolicyAction::Reject || reply.is_transient())
        {
            return reply.clone();
        }
        action.reply(&self.name)
    }
}

impl Outcome {
    pub(super) fn refusal(self) -> Option<Rejection> {
        match self {
            Self::Refused(reply) => Some(Rejection::new(reply)),
            Self::Open | Self::Done => None,
        }
    }
}
