//! The filter `policy_action`, as configured.

mod action;
mod expression;
mod matchers;
mod outline;

pub(super) use self::matchers::{Matchers, OneOrMany, check_max_keys, rate_keys};
pub(crate) use self::outline::{Asked, Outline};

use std::sync::Arc;

use koukan_core::{
    filter::policy_action::{PolicyAction, PolicyLayer, PolicyRule},
    reply::{EnhancedCode, Reply, ReplyCode},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{InvalidFilter, Surroundings};
use crate::config::Step;

use self::{action::Actions, expression::Reader};

/// The most octets in a tag or name, which become names of signals and labels of metrics.
const NAME_MAX: usize = 64;
/// The most octets in a reply's text, so that it fits into one line (RFC 5321 section 4.5.3.1.5).
const MESSAGE_MAX: usize = 400;

/// A condition on a transaction or recipient, and what is done if it is met.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The condition; without one the rule always matches.
    #[serde(rename = "match")]
    expression: Option<Value>,
    /// The tag that groups rules.
    tag: String,
    /// Default: the tag.
    name: Option<String>,
    /// Whether the rule is evaluated for each recipient.
    mode: Option<Mode>,
    action: Option<Value>,
    /// The reply code of a refusal.
    code: Option<u16>,
    /// The text of the reply; it may begin with an enhanced status code.
    message: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
enum Mode {
    #[serde(rename = "PER_RCPT")]
    PerRcpt,
}

pub(super) fn policy_action(
    config: Rule,
    surroundings: &Surroundings,
    matchers: &Matchers,
) -> Result<PolicyLayer, InvalidFilter> {
    check_name("tag", &config.tag)?;
    let actions = Actions::read(config.action.as_ref())?;
    let is_per_recipient = config.mode == Some(Mode::PerRcpt);
    let reply = reply(&config, &actions)?;
    let mut rule = PolicyRule::new(config.tag)
        .with_actions(actions.shares())
        .with_random(surroundings.random.clone())
        .with_observers(surroundings.observers.clone());
    if let Some(name) = config.name {
        check_name("name", &name)?;
        rule = rule.with_name(name);
    }
    if let Some(expression) = &config.expression {
        let mut reader = Reader {
            matchers,
            surroundings,
            asks: Vec::new(),
        };
        let expression = reader.read(expression, at_match())?;
        if expression.is_about_recipient() && config.mode.is_none() {
            let text = "that is asked of single recipients: add `mode: PER_RCPT`";
            return Err(at(text, at_match()));
        }
        if expression.reads_header() && is_per_recipient {
            let text =
                "the message is not there yet when a recipient is asked for: leave `mode` out";
            return Err(at(text, at_match()));
        }
        rule = rule.with_match(expression);
    }
    if let Some(watch) = &surroundings.rule_watch {
        rule = rule.with_watch(Arc::clone(watch));
    }
    if is_per_recipient {
        rule = rule.per_recipient();
    }
    if let Some(reply) = reply {
        rule = rule.with_reply(reply);
    }
    Ok(PolicyLayer::new(rule))
}

fn at_match() -> Vec<Step> {
    vec![Step::Key("match".into())]
}

/// An error at that place.
fn at(text: impl Into<String>, at: Vec<Step>) -> InvalidFilter {
    InvalidFilter {
        message: text.into(),
        at,
    }
}

fn check_name(key: &str, name: &str) -> Result<(), InvalidFilter> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(is_plain) {
        return Ok(());
    }
    let text = format!(
        "`{name}` cannot be the `{key}` of a rule: use up to {NAME_MAX} letters, digits, `_`, `-` and `.`"
    );
    Err(at(text, vec![Step::Key(key.into())]))
}

/// The reply of a rule with that name and a code of that class, if the configuration gives no text.
fn general(code: ReplyCode, name: &str) -> Reply {
    match code.is_transient() {
        true => PolicyAction::Defer.reply(name),
        false => PolicyAction::Reject.reply(name),
    }
}

/// The reply of a refusal, if the configuration gives one.
fn reply(config: &Rule, actions: &Actions) -> Result<Option<Reply>, InvalidFilter> {
    let there = [
        ("code", config.code.is_some()),
        ("message", config.message.is_some()),
    ];
    let Some((key, _)) = there.into_iter().find(|(_, is_there)| *is_there) else {
        return Ok(None);
    };
    if !actions.refuse() {
        let text = format!("`{key}` is of no use: only `REJECT` and `DEFER` give a reply");
        return Err(at(text, vec![Step::Key(key.into())]));
    }
    let is_transient = actions.only_defer();
    let code = config.code.unwrap_or(if is_transient { 450 } else { 550 });
    let classes = if is_transient { 400..=499 } else { 400..=599 };
    if !classes.contains(&code) {
        let text = format!(
            "{code} refuses nothing with that action: use {} to {}",
            classes.start(),
            classes.end()
        );
        return Err(at(text, vec![Step::Key("code".into())]));
    }
    let Ok(code) = ReplyCode::new(code) else {
        return Err(at(
            format!("{code} is no reply code"),
            vec![Step::Key("code".into())],
        ));
    };
    let Some(message) = &config.message else {
        let name = config.name.as_ref().unwrap_or(&config.tag);
        let general = general(code, name);
        return Ok(Some(Reply::copied(
            code,
            general.enhanced(),
            general.text(),
        )));
    };
    let at_message = |text: String| at(text, vec![Step::Key("message".into())]);
    if message.chars().any(char::is_control) || message.len() > MESSAGE_MAX {
        let text = format!("a reply is one line of up to {MESSAGE_MAX} octets");
        return Err(at_message(text));
    }
    let (first, rest) = message.split_once(' ').unwrap_or((message, ""));
    let class = code.as_u16() / 100;
    let (enhanced, text) = match first.parse::<EnhancedCode>() {
        Ok(enhanced) if u16::from(enhanced.class()) != class => {
            let text = format!(
                "`{first}` does not fit the code {}: an enhanced status code begins with {class} there",
                code.as_u16()
            );
            return Err(at_message(text));
        }
        Ok(enhanced) => (Some(enhanced), rest.trim_start()),
        Err(_) => (general(code, "").enhanced(), &**message),
    };
    if text.trim().is_empty() {
        return Err(at_message("a reply needs a text: say why".into()));
    }
    Ok(Some(Reply::copied(code, enhanced, text)))
}
