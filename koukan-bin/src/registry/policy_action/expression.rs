//! The condition of a rule: matchers, combined by `all`, `any` and `not`.

use koukan_core::filter::policy_action::Expression;
use serde_json::{Map, Value};

use super::{Asked, InvalidFilter, Matchers, Surroundings, at};
use crate::config::Step;

/// The most characters of a matcher's configuration that are shown.
const SHOWN_MAX: usize = 200;
/// The most levels of nested expressions.
const DEPTH_MAX: usize = 32;

/// A matcher's configuration as text for people; cut off if it is long.
fn shown(map: &Map<String, Value>) -> String {
    let mut map = map.clone();
    let name = map.remove("matcher");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    if map.is_empty() {
        return name.to_owned();
    }
    let own = Value::Object(map).to_string();
    match own.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{name} {}…", &own[..at]),
        None => format!("{name} {own}"),
    }
}

/// Reads expressions.
pub(super) struct Reader<'a> {
    pub(super) matchers: &'a Matchers,
    pub(super) surroundings: &'a Surroundings,
    /// The signals that the matchers use.
    pub(super) asks: Vec<Asked>,
}

impl Reader<'_> {
    /// Reads an expression at that place.
    pub(super) fn read(
        &mut self,
        config: &Value,
        place: Vec<Step>,
    ) -> Result<Expression, InvalidFilter> {
        let Some(map) = config.as_object() else {
            let text = "a mapping is expected: `matcher`, `all`, `any` or `not`";
            return Err(at(text, place));
        };
        if place.len() > 2 * DEPTH_MAX {
            return Err(at(
                format!("more than {DEPTH_MAX} expressions within each other"),
                place,
            ));
        }
        if map.contains_key("matcher") {
            let matcher = self.matchers.build(map, self.surroundings, &place)?;
            if let Some(signal) = matcher.signal() {
                let signal = signal.into_owned();
                self.asks.push(Asked { signal, place });
            }
            return Ok(match self.surroundings.rule_watch {
                Some(_) => Expression::named(shown(map), matcher),
                None => Expression::shared(matcher),
            });
        }
        let below = |key: &str| [place.clone(), vec![Step::Key(key.into())]].concat();
        let mut keys = map.iter();
        let (Some((key, part)), None) = (keys.next(), keys.next()) else {
            let text = match map.is_empty() {
                true => {
                    "an expression is a `matcher`, `all`, `any` or `not`; leave `match` out to match always"
                }
                false => {
                    "only one of `matcher`, `all`, `any` and `not` can be there: put them into `all: [ … ]`"
                }
            };
            return Err(at(text, place));
        };
        let mut parts = || match part.as_array() {
            Some(parts) if parts.is_empty() => Err(at(
                format!("`{key}` without a part says nothing: add one"),
                below(key),
            )),
            Some(parts) => {
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    let place = [below(key), vec![Step::Item(index)]].concat();
                    self.read(part, place)
                });
                parts.collect::<Result<Vec<_>, _>>()
            }
            None => Err(at(format!("`{key}` needs a list"), below(key))),
        };
        match &**key {
            "all" => parts().map(Expression::all),
            "any" => parts().map(Expression::any),
            "not" => self.read(part, below("not")).map(Expression::negated),
            other => {
                let text =
                    format!("there is no `{other}`: there is `matcher`, `all`, `any` and `not`");
                Err(at(text, below(other)))
            }
        }
    }
}
