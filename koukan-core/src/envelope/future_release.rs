//! When a message is released: the parameters of RFC 4865.

use std::{fmt, time::Duration};

use jiff::Timestamp;

use crate::path::{Parameter, Parameters};

use super::Mail;

/// Hold for this many seconds.
const FOR: &str = "HOLDFOR";
/// Hold until this time.
const UNTIL: &str = "HOLDUNTIL";

/// A parameter of RFC 4865 is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHold {
    /// Both are there.
    #[error("HOLDFOR and HOLDUNTIL exclude each other")]
    Both,
    /// HOLDFOR is not a positive number of at most nine digits.
    #[error("HOLDFOR is not a positive number of at most nine digits")]
    For,
    /// HOLDUNTIL is not a time as RFC 3339 has it.
    #[error("HOLDUNTIL is not a time like 2030-01-31T12:00:00Z")]
    Until,
    /// The message would be held for longer than permitted.
    #[error("the message is to be held for too long")]
    TooLong,
}

/// How long a client may have a message held: the parameters of the EHLO keyword FUTURERELEASE.
///
/// *Source*: RFC 4865 section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureRelease {
    /// Seconds from now, at most.
    pub interval: u64,
    /// The latest time, in whole seconds.
    pub until: Timestamp,
}

impl FutureRelease {
    /// The limits for a client that may have messages held for at most `max`.
    pub fn of(now: Timestamp, max: Duration) -> Self {
        // Nine digits.
        let interval = max.as_secs().min(999_999_999);
        let until = now.checked_add(Duration::from_secs(interval));
        let until = until.unwrap_or(Timestamp::MAX);
        Self {
            interval,
            until: Timestamp::from_second(until.as_second()).unwrap_or(until),
        }
    }
}

impl fmt::Display for FutureRelease {
    /// *Shape*: the keyword with its parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUTURERELEASE {} {}", self.interval, self.until)
    }
}

impl Mail {
    /// Whether HOLDFOR or HOLDUNTIL is present, whatever its value.
    pub fn is_to_be_held(&self) -> bool {
        self.parameters.contains(FOR) || self.parameters.contains(UNTIL)
    }

    /// When the message is to be released, by HOLDFOR or HOLDUNTIL; `None` where neither is present.
    ///
    /// *Source*: RFC 4865 section 3, with its erratum 2040: the time is that of RFC 3339.
    ///
    /// # Errors
    ///
    /// [`InvalidHold`].
    pub fn hold_until(&self, now: Timestamp) -> Result<Option<Timestamp>, InvalidHold> {
        match (self.parameters.get(FOR), self.parameters.get(UNTIL)) {
            (Some(_), Some(_)) => Err(InvalidHold::Both),
            (Some(interval), None) => {
                let seconds = seconds(interval).ok_or(InvalidHold::For)?;
                let until = now.checked_add(Duration::from_secs(seconds));
                until.map(Some).map_err(|_| InvalidHold::TooLong)
            }
            (None, Some(time)) => {
                let time = time.value().and_then(|text| text.parse().ok());
                time.map(Some).ok_or(InvalidHold::Until)
            }
            (None, None) => Ok(None),
        }
    }

    /// As [`Mail::hold_until`], for times up to `max` from now. A time in the past counts as now.
    ///
    /// # Errors
    ///
    /// [`InvalidHold`].
    pub fn check_hold(&self, now: Timestamp, max: Duration) -> Result<(), InvalidHold> {
        let until = self.hold_until(now)?;
        let latest = now.checked_add(max).unwrap_or(Timestamp::MAX);
        match until.is_some_and(|until| until > latest) {
            true => Err(InvalidHold::TooLong),
            false => Ok(()),
        }
    }

    /// Replaces HOLDFOR by HOLDUNTIL, which means the same whenever it is read.
    pub fn fix_hold(&mut self, now: Timestamp) {
        if let Ok(Some(until)) = self.hold_until(now)
            && self.parameters.remove(FOR).is_some()
            && let Ok(parameter) = Parameter::new(UNTIL, Some(&until.to_string()))
        {
            // There is none as yet.
            let _ = self.parameters.push(parameter);
        }
    }

    /// Removes the time of release, for code that acts on it. An invalid one is ignored.
    pub(crate) fn take_hold(&mut self, now: Timestamp) -> Option<Timestamp> {
        let until = self.hold_until(now);
        remove(&mut self.parameters);
        until.ok().flatten()
    }
}

fn remove(parameters: &mut Parameters) {
    parameters.remove(FOR);
    parameters.remove(UNTIL);
}

/// A number of one to nine digits, of which the first is not 0.
fn seconds(parameter: &Parameter) -> Option<u64> {
    let digits = parameter.value()?;
    let is_number = digits.len() <= 9
        && !digits.starts_with('0')
        && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::ReversePath;

    fn mail(parameters: &[&str]) -> Mail {
        let mut mail = Mail::new(ReversePath::Null);
        for text in parameters {
            let (keyword, value) = text
                .split_once('=')
                .map_or((*text, None), |(keyword, value)| (keyword, Some(value)));
            let parameter = Parameter::new(keyword, value).unwrap();
            mail.parameters.push(parameter).unwrap();
        }
        mail
    }

    #[test]
    fn what_the_parameters_say() {
        let now: Timestamp = "2030-01-31T12:00:00Z".parse().unwrap();
        let at = |text: &str| Ok(Some(text.parse().unwrap()));
        for (parameters, until) in [
            (vec![], Ok(None)),
            (vec!["SIZE=1"], Ok(None)),
            (vec!["HOLDFOR=60"], at("2030-01-31T12:01:00Z")),
            (vec!["holdfor=3600", "SIZE=1"], at("2030-01-31T13:00:00Z")),
            (
                vec!["HOLDUNTIL=2030-02-01T00:00:00Z"],
                at("2030-02-01T00:00:00Z"),
            ),
            (
                vec!["HOLDUNTIL=2030-02-01T00:00:00+01:00"],
                at("2030-01-31T23:00:00Z"),
            ),
            (vec!["HOLDFOR=0"], Err(InvalidHold::For)),
            (vec!["HOLDFOR=007"], Err(InvalidHold::For)),
            (vec!["HOLDFOR=1234567890"], Err(InvalidHold::For)),
            (vec!["HOLDFOR=-1"], Err(InvalidHold::For)),
            (vec!["HOLDFOR"], Err(InvalidHold::For)),
            (vec!["HOLDUNTIL=2030-02-01"], Err(InvalidHold::Until)),
            (vec!["HOLDUNTIL"], Err(InvalidHold::Until)),
            (
                vec!["HOLDFOR=1", "HOLDUNTIL=2030-02-01T00:00:00Z"],
                Err(InvalidHold::Both),
            ),
        ] {
            assert_eq!(mail(&parameters).hold_until(now), until, "{parameters:?}");
        }
    }

    #[test]
    fn a_message_is_held_for_so_long_at_most() {
        let now: Timestamp = "2030-01-31T12:00:00Z".parse().unwrap();
        let max = Duration::from_secs(100);
        for (parameter, checked) in [
            ("HOLDFOR=100", Ok(())),
            ("HOLDFOR=101", Err(InvalidHold::TooLong)),
            ("HOLDUNTIL=2030-01-31T12:01:40Z", Ok(())),
            ("HOLDUNTIL=2030-01-31T12:01:41Z", Err(InvalidHold::TooLong)),
            ("HOLDUNTIL=2000-01-31T12:00:00Z", Ok(())),
        ] {
            assert_eq!(
                mail(&[parameter]).check_hold(now, max),
                checked,
                "{parameter}"
            );
        }
    }

    #[test]
    fn it_means_the_same_later_and_is_taken_out() {
        let now: Timestamp = "2030-01-31T12:00:00Z".parse().unwrap();
        let mut mail = mail(&["HOLDFOR=60", "SIZE=1"]);
        mail.fix_hold(now);
        let later = now + Duration::from_secs(10);
        let until = now + Duration::from_secs(60);
        assert_eq!(mail.hold_until(later), Ok(Some(until)));
        assert_eq!(mail.take_hold(later), Some(until));
        assert!(!mail.is_to_be_held());
        assert_eq!(mail.parameters.declared_size(), Some(1));
    }
}
