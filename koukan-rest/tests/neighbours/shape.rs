//! Checks that an answer has everything that one of the previous version had.

use serde_json::Value;

/// What says how it went, beside where it may be that it has gone further.
const OUTCOME: [&str; 3] = ["final_attempt_reason", "cancelled", "code"];

/// Checks that `new` has each member of `old`, of the same kind, and that what is said of the outcome is the same.
/// Of each of the `recipients` that is compared where `old` is final, since it may have gone further.
pub(crate) fn lacks(old: &Value, new: &Value) -> Option<String> {
    let is_final = old.get("final_attempt_reason").is_some();
    lacking("", old, new, is_final)
}

fn lacking(at: &str, old: &Value, new: &Value, is_final: bool) -> Option<String> {
    let name = at.rsplit('/').next().unwrap_or_default();
    let is_same = match at.starts_with("/recipients") {
        true => is_final && (name == "state" || name == "code"),
        false => OUTCOME.contains(&name),
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.iter().find_map(|(name, old)| {
            let at = format!("{at}/{name}");
            match new.get(name) {
                Some(new) => lacking(&at, old, new, is_final),
                None => Some(format!("{at} is missing")),
            }
        }),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let mut pairs = old.iter().zip(new);
            pairs.find_map(|(old, new)| lacking(&format!("{at}/"), old, new, is_final))
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) if !is_same => {
            None
        }
        (old, new) => (old != new).then(|| format!("{at} is {new} and not {old}")),
    }
}

#[test]
fn what_is_missing_or_other_is_found() {
    use serde_json::json;

    let old = json!({"id": "a", "rcpt_response": [{"code": 250, "message": "x"}]});
    let more = json!({"id": "b", "more": 1, "rcpt_response": [{"code": 250, "message": "y"}]});
    assert_eq!(lacks(&old, &more), None);
    for other in [
        json!({"rcpt_response": [{"code": 250, "message": "x"}]}),
        json!({"id": 1, "rcpt_response": [{"code": 250, "message": "x"}]}),
        json!({"id": "a", "rcpt_response": []}),
        json!({"id": "a", "rcpt_response": [{"code": 450, "message": "x"}]}),
    ] {
        assert!(lacks(&old, &other).is_some(), "{other}");
    }
    let ended =
        json!({"final_attempt_reason": "delivered", "recipients": [{"state": "delivered"}]});
    let other = json!({"final_attempt_reason": "delivered", "recipients": [{"state": "failed"}]});
    assert!(lacks(&ended, &other).is_some());
}
