//! The parameters of MAIL and RCPT.

use std::fmt;

/// One parameter: a keyword, and a value where one was given.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Parameter {
    keyword: Box<str>,
    value: Option<Box<str>>,
}

/// The parameters of one command in the order given; each keyword occurs once.
///
/// *Shape*: kept as written; keywords compare without case.
///
/// *Source*: RFC 5321 section 4.1.2 (`esmtp-param`).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    list: Vec<Parameter>,
    /// The largest number of octets that were added since the size was declared.
    growth: u64,
}

/// The text is not a parameter, or its keyword was given before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParameter {
    /// The keyword is not a letter or digit followed by letters, digits and hyphens.
    #[error("malformed parameter keyword")]
    Keyword,
    /// The value is empty or holds a space, `=` or a control character.
    #[error("malformed parameter value")]
    Value,
    /// The keyword was given twice.
    #[error("parameter given twice")]
    Duplicate,
}

impl Parameter {
    /// Makes a parameter.
    ///
    /// # Errors
    ///
    /// [`InvalidParameter`] where keyword or value break the grammar.
    pub fn new(keyword: &str, value: Option<&str>) -> Result<Self, InvalidParameter> {
        let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if !is_keyword {
            return Err(InvalidParameter::Keyword);
        }
        let is_value = |value: &str| {
            !value.is_empty()
                && !value
                    .chars()
                    .any(|c| c == '=' || c == ' ' || c.is_control())
        };
        if !value.is_none_or(is_value) {
            return Err(InvalidParameter::Value);
        }
        Ok(Self {
            keyword: keyword.into(),
            value: value.map(Into::into),
        })
    }

    /// The keyword as written.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The value as written (xtext not decoded).
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl Parameters {
    /// Adds a parameter at the end.
    ///
    /// # Errors
    ///
    /// [`InvalidParameter::Duplicate`] if there is a parameter with its keyword already.
    pub fn push(&mut self, parameter: Parameter) -> Result<(), InvalidParameter> {
        if self.contains(parameter.keyword()) {
            return Err(InvalidParameter::Duplicate);
        }
        self.list.push(parameter);
        Ok(())
    }

    /// The parameter with that keyword, in any case.
    pub fn get(&self, keyword: &str) -> Option<&Parameter> {
        self.list
            .iter()
            .find(|parameter| parameter.keyword.eq_ignore_ascii_case(keyword))
    }

    /// Whether there is a parameter with that keyword.
    pub fn contains(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    /// Removes the parameter with that keyword.
    pub fn remove(&mut self, keyword: &str) -> Option<Parameter> {
        let is_it = |parameter: &Parameter| parameter.keyword.eq_ignore_ascii_case(keyword);
        let position = self.list.iter().position(is_it)?;
        Some(self.list.remove(position))
    }

    /// The parameters in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Parameter> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The message size in octets that the client declared (`SIZE`, RFC 1870), if it is present and a
    /// number.
    pub fn declared_size(&self) -> Option<u64> {
        self.get("SIZE")?.value()?.parse().ok()
    }

    /// The estimated size of the message in octets: the declared size, and what was added since (RFC
    /// 1870 section 6.1). Nothing is refused by this estimate alone. In storage and over REST, only
    /// the declared size is kept.
    pub fn size(&self) -> Option<u64> {
        let declared = self.declared_size()?;
        Some(declared.saturating_add(self.growth))
    }

    /// Adds to the estimated size, for a stage that adds octets to the message. The client's
    /// parameter is unchanged.
    pub fn grow_size(&mut self, octets: u64) {
        self.growth = self.growth.saturating_add(octets);
    }

    /// Whether `SMTPUTF8` (RFC 6531) is present.
    pub fn is_smtputf8(&self) -> bool {
        self.contains("SMTPUTF8")
    }

    /// Whether `BODY=8BITMIME` (RFC 6152) is present.
    pub fn is_8bitmime(&self) -> bool {
        self.is_body("8BITMIME")
    }

    /// Whether `BODY=BINARYMIME` (RFC 3030) is present.
    pub fn is_binarymime(&self) -> bool {
        self.is_body("BINARYMIME")
    }

    /// Whether `REQUIRETLS` (RFC 8689) is present: the message may be sent only over TLS, to the
    /// intended hosts.
    pub fn is_requiretls(&self) -> bool {
        self.contains("REQUIRETLS")
    }

    fn is_body(&self, name: &str) -> bool {
        let value = self.get("BODY").and_then(Parameter::value);
        value.is_some_and(|value| value.eq_ignore_ascii_case(name))
    }
}

impl<'a> IntoIterator for &'a Parameters {
    type Item = &'a Parameter;
    type IntoIter = std::slice::Iter<'a, Parameter>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.keyword),
            None => f.write_str(&self.keyword),
        }
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(list: &[(&str, Option<&str>)]) -> Parameters {
        let mut parameters = Parameters::default();
        for (keyword, value) in list {
            parameters
                .push(Parameter::new(keyword, *value).unwrap())
                .unwrap();
        }
        parameters
    }

    #[test]
    fn keywords_compare_without_case_and_come_once() {
        let mut list = parameters(&[("size", Some("10")), ("Body", Some("8bitmime"))]);
        assert_eq!(list.size(), Some(10));
        assert!(list.is_8bitmime());
        assert_eq!(
            list.push(Parameter::new("SIZE", Some("11")).unwrap()),
            Err(InvalidParameter::Duplicate)
        );
        assert!(list.remove("SIZE").is_some());
        assert_eq!(list.size(), None);
    }

    #[test]
    fn what_a_message_comes_to_grows_and_the_declared_size_stays() {
        let mut list = parameters(&[("Body", Some("7BIT")), ("size", Some("10"))]);
        list.grow_size(5);
        assert_eq!((list.size(), list.declared_size()), (Some(15), Some(10)));
        assert_eq!(format!("{list:?}"), "[Body=7BIT, size=10]");
        list.grow_size(u64::MAX);
        assert_eq!(list.size(), Some(u64::MAX));
        let mut none = parameters(&[("Body", Some("7BIT"))]);
        none.grow_size(5);
        assert_eq!(none.size(), None);
    }

    #[test]
    fn nothing_can_be_smuggled_in() {
        for (keyword, value) in [("", None), ("-X", None), ("A B", None), ("A>", None)] {
            assert_eq!(
                Parameter::new(keyword, value),
                Err(InvalidParameter::Keyword)
            );
        }
        for value in ["", "a b", "a=b", "a\r\nb", "\0"] {
            assert_eq!(
                Parameter::new("X", Some(value)),
                Err(InvalidParameter::Value)
            );
        }
    }
}
