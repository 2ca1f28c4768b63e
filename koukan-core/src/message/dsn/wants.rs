//! Whether a recipient's failure is to be told.

use crate::envelope::Rcpt;

/// Whether the sender wants to be told when this recipient fails: unless its NOTIFY parameter
/// leaves FAILURE out.
///
/// *Source*: RFC 3461 section 4.1.
pub fn wants_failure_notice(rcpt: &Rcpt) -> bool {
    let Some(notify) = rcpt.parameters.get("NOTIFY") else {
        return true;
    };
    let mut wanted = notify.value().unwrap_or_default().split(',');
    wanted.any(|what| what.eq_ignore_ascii_case("FAILURE"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{ForwardPath, Parameter};

    #[test]
    fn notify_may_leave_failure_out() {
        for (notify, is_wanted) in [
            (None, true),
            (Some("FAILURE"), true),
            (Some("success,failure"), true),
            (Some("NEVER"), false),
            (Some("SUCCESS,DELAY"), false),
        ] {
            let mut rcpt = Rcpt::new("b@y".parse::<ForwardPath>().unwrap());
            if let Some(notify) = notify {
                let parameter = Parameter::new("NOTIFY", Some(notify)).unwrap();
                rcpt.parameters.push(parameter).unwrap();
            }
            assert_eq!(wants_failure_notice(&rcpt), is_wanted, "{notify:?}");
        }
    }
}
