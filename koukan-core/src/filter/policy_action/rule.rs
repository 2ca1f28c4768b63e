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

/// What is done where a rule matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyAction {
    /// The transaction, or the recipient, is refused. The other rules of the tag are passed over.
    Reject,
    /// The same, with a reply after which the client tries again later.
    Defer,
    /// That it matched is told to observers, and the rule is passed over from then on. Other rules of the
    /// tag are still looked at: so a new rule can run beside one that is in force.
    Log,
    /// That it matched is told to observers, and all rules of the tag are passed over from then on: so one
    /// rule can make an exception from those after it.
    #[default]
    Match,
    /// A signal is set, and nothing else is done.
    Tag,
}

impl PolicyAction {
    /// As it stands in configurations, logs and metrics.
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

    /// With what a rule of that name refuses, where it says nothing itself: 450 4.7.1 for now, else
    /// 550 5.7.1.
    pub fn reply(self, rule: &str) -> Reply {
        match self {
            Self::Defer => {
                Reply::policy_deferred().with_text(format!("deferred by policy ({rule})"))
            }
            _ => Reply::policy_refused().with_text(format!("refused by policy ({rule})")),
        }
    }

    /// Whether the other rules of the tag are passed over once this was done.
    pub fn ends_tag(self) -> bool {
        matches!(self, Self::Reject | Self::Defer | Self::Match)
    }
}

/// What is to be so, and what is done then.
#[derive(Debug, Clone)]
pub struct PolicyRule {
    pub(super) tag: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) expression: Expression,
    pub(super) is_per_recipient: bool,
    /// With the share of each.
    actions: Vec<(f64, PolicyAction)>,
    reply: Option<Reply>,
    random: SharedRandom,
    observers: Observers,
    watch: Option<Arc<dyn RuleWatch>>,
}

/// What has come of a look at a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is to be looked at again later.
    Open,
    /// It has said what it has to say.
    Done,
    /// The transaction, or the recipient, is refused.
    Refused(Reply),
}

impl PolicyRule {
    /// A rule with that tag which matches always, with [`PolicyAction::Match`]; its name is the tag.
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

    /// Its name, by which it is known to others, in logs and in metrics.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What is to be so.
    #[must_use]
    pub fn with_match(mut self, expression: Expression) -> Self {
        self.expression = expression;
        self
    }

    /// It is looked at for each recipient by itself, and what is done is done to that recipient.
    #[must_use]
    pub fn per_recipient(mut self) -> Self {
        self.is_per_recipient = true;
        self
    }

    /// What is done.
    #[must_use]
    pub fn with_action(self, action: PolicyAction) -> Self {
        self.with_actions([(1.0, action)])
    }

    /// One of these is done, each as often as its share of all says. Shares that are not above 0 count for
    /// nothing; where no other is there, nothing is done but to match.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = (f64, PolicyAction)>) -> Self {
        let actions = actions.into_iter();
        self.actions = actions.filter(|(share, _)| *share > 0.0).collect();
        self
    }

    /// With what is refused. It is negative; another one counts as none.
    ///
    /// Without one it is 550 5.7.1, or 450 4.7.1 where the client is to try again, with the rule's name.
    #[must_use]
    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply).filter(Reply::is_negative);
        self
    }

    /// Where the random numbers come from by which one of several actions is chosen.
    #[must_use]
    pub fn with_random(mut self, random: SharedRandom) -> Self {
        self.random = random;
        self
    }

    /// Who is told that it has matched.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Who is told of each look at it, whatever comes of it.
    #[must_use]
    pub fn with_watch(mut self, watch: Arc<dyn RuleWatch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Looks at the rule.
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

    /// Whether it matches; what its matchers say, where somebody wants to know.
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
