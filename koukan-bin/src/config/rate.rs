//! Rates as people write them.

use std::{borrow::Cow, num::NonZeroU32, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A number of messages in a second, a minute, an hour or a day: `10/s`, `600/m`, `1000/h`, `50000/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageRate {
    /// The most messages.
    pub count: NonZeroU32,
    /// The time in which they may be sent.
    pub per: Duration,
}

impl FromStr for MessageRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a rate, as in `10/s`, `600/m`, `1000/h` or `50000/d`");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        if !count.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(wrong());
        }
        let count: u32 = count.parse().map_err(|_| wrong())?;
        let count = NonZeroU32::new(count).ok_or_else(|| {
            format!(
                "with `{text}` nothing would ever go: leave it out, or give a rate as in `10/s`"
            )
        })?;
        Ok(Self {
            count,
            per: Duration::from_secs(seconds),
        })
    }
}

impl<'de> Deserialize<'de> for MessageRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for MessageRate {
    fn schema_name() -> Cow<'static, str> {
        "MessageRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0*[1-9][0-9]*/[smhd]$", "examples": ["10/s"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit_of_time() {
        for (text, count, seconds) in [
            ("10/s", 10, 1),
            ("600/m", 600, 60),
            ("0001/h", 1, 3600),
            ("4294967295/d", u32::MAX, 86_400),
        ] {
            let rate: MessageRate = text.parse().unwrap();
            assert_eq!((rate.count.get(), rate.per.as_secs()), (count, seconds));
        }
        for text in [
            "",
            "10",
            "/s",
            "10/",
            "10/w",
            "10 /s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "0/s",
            "4294967296/s",
        ] {
            assert!(text.parse::<MessageRate>().is_err(), "{text}");
        }
    }
}
