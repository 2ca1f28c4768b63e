//! The results of rules.

use crate::{
    filter::policy_action::{Look, Looked, Moment, RuleWatch, Verdict},
    resource::{MatcherFound, NotePhase, RuleFound, RuleLook, What},
};

use super::{Explainer, recorder::Here};

impl RuleWatch for Explainer {
    fn looked(&self, look: &Look<'_>) {
        let Some(here) = look.facts.signals.find::<Here>() else {
            return;
        };
        let Here(here) = *here;
        let phase = match look.facts.moment {
            Moment::Mail => NotePhase::Mail,
            Moment::Rcpt(position) => NotePhase::Rcpt(self.forward_path(here, position)),
            Moment::Message => NotePhase::Header,
            Moment::End => NotePhase::End,
        };
        let (found, action, reply) = match look.looked {
            Looked::Match(action, reply) => {
                (RuleFound::Match, Some(action.as_str()), reply.cloned())
            }
            Looked::NoMatch => (RuleFound::NoMatch, None, None),
            Looked::NotYetKnown => (RuleFound::NotYetKnown, None, None),
            Looked::Waits => (RuleFound::Waits, None, None),
            Looked::PassedOver => (RuleFound::PassedOver, None, None),
        };
        let asked = look.asked.iter();
        let asked = asked.map(|(name, verdict)| (name.clone(), MatcherFound::from(*verdict)));
        let what = What::Rule(RuleLook {
            rule: look.rule.into(),
            tag: look.tag.into(),
            found,
            asked: asked.collect(),
            action,
            reply,
        });
        self.note_at(here, phase, None, what);
    }
}

impl From<Verdict> for MatcherFound {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Match => Self::Yes,
            Verdict::NoMatch => Self::No,
            Verdict::NotYetKnown => Self::NotYetKnown,
        }
    }
}
