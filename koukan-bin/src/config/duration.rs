//! Durations as people write them.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A duration written as a whole number and a unit: `500ms`, `30s`, `5m`, `2h`, `5d`. Zero is not
/// allowed: a wait of no time would always fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

/// How long something is kept: as a [`HumanDuration`], or `0s` if it is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepTime(pub Duration);

impl FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a duration, as in `500ms`, `30s`, `5m`, `2h` or `5d`");
        let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..unit].parse().map_err(|_| wrong())?;
        let millis = match &text[unit..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let millis = number.checked_mul(millis).ok_or_else(wrong)?;
        if millis == 0 {
            return Err(format!(
                "`{text}` is no time at all: leave it out, or give one as in `30s` or `5m`"
            ));
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ];
        let whole = units
            .iter()
            .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
        match whole {
            Some((unit, name)) => write!(f, "{}{name}", millis / unit),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m|h|d)$", "examples": ["30s", "5m"] })
    }
}

impl<'de> Deserialize<'de> for KeepTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if text == "0s" {
            return Ok(Self(Duration::ZERO));
        }
        let time = text.parse::<HumanDuration>().map_err(D::Error::custom)?;
        Ok(Self(time.0))
    }
}

impl JsonSchema for KeepTime {
    fn schema_name() -> Cow<'static, str> {
        "KeepTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(0s|0*[1-9][0-9]*(ms|s|m|h|d))$", "examples": ["0s", "5m"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let millis = |text: &str| text.parse::<HumanDuration>().map(|d| d.0.as_millis());
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("2d"), Ok(172_800_000));
        for text in ["500ms", "30s", "90s", "5m", "2d"] {
            let duration: HumanDuration = text.parse().unwrap();
            assert_eq!(duration.to_string(), text);
        }
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "5y",
            "99999999999999999999s",
            "999999999999999d",
            "0s",
            "000ms",
        ] {
            assert!(millis(text).unwrap_err().contains(text), "{text}");
        }
    }
}
