//! What is done when a rule matches: one action, or several, each with its share.

use koukan_core::filter::policy_action::PolicyAction;
use serde_json::Value;

use super::{InvalidFilter, at};
use crate::config::{Step, instead};

const ALL: [PolicyAction; 5] = [
    PolicyAction::Reject,
    PolicyAction::Defer,
    PolicyAction::Log,
    PolicyAction::Match,
    PolicyAction::Tag,
];

/// The actions of a rule.
pub(super) struct Actions(Vec<(f64, PolicyAction)>);

impl Actions {
    /// Reads the actions; the default is `MATCH`.
    pub(super) fn read(config: Option<&Value>) -> Result<Self, InvalidFilter> {
        let here = || vec![Step::Key("action".into())];
        let many = match config {
            None => return Ok(Self(vec![(1.0, PolicyAction::default())])),
            Some(Value::Array(many)) => many,
            Some(one) => return Ok(Self(vec![(1.0, action(one, here())?)])),
        };
        if many.is_empty() {
            return Err(at("a list without an action does nothing: add one", here()));
        }
        let of_item = |(index, item): (usize, &Value)| {
            let place = || [here(), vec![Step::Item(index)]].concat();
            let shape = "each is a share and an action, as in `[0.1, REJECT]`";
            let Some([share, name]) = item.as_array().map(Vec::as_slice) else {
                return Err(at(shape, place()));
            };
            match share.as_f64() {
                Some(share) if share > 0.0 && share.is_finite() => {
                    Ok((share, action(name, place())?))
                }
                Some(_) => Err(at("a share is above 0", place())),
                None => Err(at(shape, place())),
            }
        };
        let all = many.iter().enumerate().map(of_item);
        all.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn shares(&self) -> impl Iterator<Item = (f64, PolicyAction)> {
        self.0.iter().copied()
    }

    /// Whether any of them refuses.
    pub(super) fn refuse(&self) -> bool {
        self.0.iter().any(|(_, action)| action.is_refusal())
    }

    /// Whether all refusals are transient.
    pub(super) fn only_defer(&self) -> bool {
        self.0
            .iter()
            .all(|(_, action)| *action != PolicyAction::Reject)
    }
}

fn action(config: &Value, place: Vec<Step>) -> Result<PolicyAction, InvalidFilter> {
    let named = |name: &str| ALL.into_iter().find(|action| action.as_str() == name);
    if let Some(action) = config.as_str().and_then(named) {
        return Ok(action);
    }
    let text = match config.as_str() {
        Some(name) => {
            let names = ALL.map(PolicyAction::as_str);
            let help = instead("action", &name.to_uppercase(), names);
            format!("unknown action `{name}`: {help}")
        }
        None => "the name of an action is expected, as in `REJECT`".to_owned(),
    };
    Err(at(text, place))
}
