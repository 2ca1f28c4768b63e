//! Sizes as people write them.

use std::{borrow::Cow, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A number of octets, written as a whole number and a unit: `512B`, `64KiB`, `25MiB`, `1GiB`. Zero
/// is not allowed: nothing would fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size, as in `512B`, `64KiB`, `25MiB` or `1GiB`");
        let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..unit].parse().map_err(|_| wrong())?;
        let factor = match &text[unit..] {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        if number == 0 {
            return Err(format!(
                "nothing fits into `{text}`: leave it out, or give a size as in `64KiB` or `25MiB`"
            ));
        }
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0*[1-9][0-9]*(B|KiB|MiB|GiB)$", "examples": ["25MiB"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        assert_eq!("64KiB".parse(), Ok(ByteSize(65_536)));
        assert_eq!("1GiB".parse(), Ok(ByteSize(1 << 30)));
        for text in [
            "",
            "5",
            "MiB",
            "5MB",
            "5 MiB",
            "99999999999999GiB",
            "0B",
            "00MiB",
        ] {
            assert!(
                text.parse::<ByteSize>().unwrap_err().contains(text),
                "{text}"
            );
        }
    }
}
