//! Header fields.

use std::collections::BTreeSet;

use crate::{
    message::parser::{is_date, parse_addresses},
    path::Mailbox,
};

use super::{
    super::{
        SpecError,
        limits::{MAX_HEADER_FIELDS, MAX_HEADER_TEXT, MAX_NAME, MAX_PARAMETER, MAX_WORD},
    },
    Reader, date,
    grammar::Grammar,
    structured,
};

/// A header field.
///
/// *Shape* of the name: `ftext` of RFC 5322, in the case given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: Box<str>,
    value: HeaderValue,
}

/// The value of a header field. Its kind depends on the name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderValue {
    /// Of from, to, cc, bcc, reply-to, sender, and other fields with addresses. Never empty.
    Addresses(Vec<Address>),
    /// Of date, and other fields with a date.
    Date {
        /// Seconds since 1970.
        unix_secs: i64,
        /// Seconds that local time is ahead of UTC.
        tz_offset: i64,
    },
    /// Of message-id, in-reply-to, references, and other fields with ids; without `<>`. Never
    /// empty.
    Ids(Vec<Box<str>>),
    /// Of any other field. Characters outside of ASCII are encoded by the field's grammar.
    Text(Box<str>),
}

/// A mailbox with a display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    display_name: Option<Box<str>>,
    address: Mailbox,
}

/// Fields that the builder writes itself.
const OURS: [&str; 5] = [
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
];
/// Fields that may occur only once: RFC 5322 section 3.6.
const ONCE: [&str; 11] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
];

impl Header {
    pub(super) fn known(name: &str, value: HeaderValue) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }

    /// The name, in the case in which it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// Whether the field is never rendered: bcc and resent-bcc.
    pub fn is_envelope_only(&self) -> bool {
        ["bcc", "resent-bcc"]
            .iter()
            .any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// What its value is made of.
    pub(in super::super) fn grammar(&self) -> Grammar {
        Grammar::of(&self.name)
    }

    pub(super) fn needs_smtputf8(&self) -> bool {
        match &self.value {
            HeaderValue::Addresses(all) => all.iter().any(|one| !one.address.is_ascii()),
            HeaderValue::Ids(ids) => ids.iter().any(|id| !id.is_ascii()),
            HeaderValue::Date { .. } | HeaderValue::Text(_) => false,
        }
    }

    /// About how many octets it has.
    pub(crate) fn size(&self) -> usize {
        let value = match &self.value {
            HeaderValue::Addresses(all) => all.iter().map(Address::size).sum(),
            HeaderValue::Date { .. } => 31,
            HeaderValue::Ids(ids) => ids.iter().map(|id| id.len() + 4).sum(),
            HeaderValue::Text(text) => text.len(),
        };
        self.name.len() + 4 + value
    }
}

impl Address {
    /// A mailbox without a display name.
    pub(super) fn unnamed(address: Mailbox) -> Self {
        Self {
            display_name: None,
            address,
        }
    }

    /// The display name.
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// The mailbox.
    pub fn address(&self) -> &Mailbox {
        &self.address
    }

    fn size(&self) -> usize {
        self.display_name.as_ref().map_or(0, |name| name.len()) + self.address.as_str().len() + 4
    }
}

// === reading ===

pub(super) fn read_all(headers: &Reader<'_>) -> Result<Vec<Header>, SpecError> {
    let readers = headers.array("an array of [name, value] pairs")?;
    if headers.exceeds(readers.len(), MAX_HEADER_FIELDS) {
        return Err(headers.error(&format!("there may be {MAX_HEADER_FIELDS} header fields")));
    }
    let mut seen = BTreeSet::new();
    let mut read_all = Vec::with_capacity(readers.len());
    for reader in readers {
        let header = read(&reader)?;
        let is_once = is_once(&header.name) && !reader.is_stored();
        if is_once && !seen.insert(header.name.to_ascii_lowercase()) {
            return Err(reader.error("may stand only once: remove one of them"));
        }
        read_all.push(header);
    }
    Ok(read_all)
}

/// Whether there may be only one field of that name.
pub(crate) fn is_once(name: &str) -> bool {
    ONCE.iter().any(|once| once.eq_ignore_ascii_case(name))
}

/// Reads a `[name, value]` pair.
pub(crate) fn read(header: &Reader<'_>) -> Result<Header, SpecError> {
    let pair = "a [name, value] pair";
    let elements = header.array(pair)?;
    let [name, value] = &elements[..] else {
        return Err(header.error(&format!("must be {pair}")));
    };
    let text = name.string("the name of a header field")?;
    // RFC 5322 section 3.6.8.
    if text.is_empty()
        || name.exceeds(text.len(), MAX_NAME)
        || !text.bytes().all(|c| c.is_ascii_graphic() && c != b':')
    {
        return Err(name.error(&format!(
            "must be 1 to {MAX_NAME} visible ASCII characters without a colon"
        )));
    }
    let lower = text.to_ascii_lowercase();
    if OURS.contains(&&*lower) && !name.is_stored() {
        return Err(name.error(&format!("`{lower}` is written by the builder: remove it")));
    }
    let value = read_value(value, Grammar::of(&lower))?;
    Ok(Header {
        name: text.into(),
        value,
    })
}

fn read_value(value: &Reader<'_>, grammar: Grammar) -> Result<HeaderValue, SpecError> {
    let is_text = match grammar {
        Grammar::Addresses { is_text, .. }
        | Grammar::Date { is_text }
        | Grammar::Ids { is_text, .. } => is_text && value.is_string(),
        Grammar::AddressesOrPhrases => value.is_string(),
        _ => true,
    };
    if is_text {
        return read_text(value, grammar);
    }
    match grammar {
        Grammar::AddressesOrPhrases => Ok(HeaderValue::Addresses(read_addresses(value)?)),
        Grammar::Addresses { is_one, .. } => {
            let addresses = read_addresses(value)?;
            if is_one && addresses.len() != 1 {
                return Err(value.error("must be one address"));
            }
            Ok(HeaderValue::Addresses(addresses))
        }
        Grammar::Date { .. } => read_date(value),
        Grammar::Ids { is_one, .. } => Ok(HeaderValue::Ids(read_ids(value, is_one)?)),
        _ => read_text(value, grammar),
    }
}

fn read_text(value: &Reader<'_>, grammar: Grammar) -> Result<HeaderValue, SpecError> {
    let text = value.text("a string", MAX_HEADER_TEXT)?;
    // What was stored as text is rendered as text: the message has the same octets each time.
    if grammar == Grammar::Text || value.is_stored() {
        return Ok(HeaderValue::Text(text.into()));
    }
    let text = text.trim_matches(' ');
    let is_one = match grammar {
        Grammar::Addresses { is_one, .. } => Some(is_one),
        Grammar::AddressesOrPhrases if !text.is_ascii() => Some(false),
        _ => None,
    };
    if let Some(is_one) = is_one
        && let Some(addresses) = addresses_in(text)
        && (!is_one || addresses.len() == 1)
    {
        return Ok(HeaderValue::Addresses(addresses));
    }
    if matches!(grammar, Grammar::Date { .. }) && !is_date(text) {
        let example = "must be a date such as Wed, 6 Mar 2024 10:42:31 -0800";
        return Err(value.error(example));
    }
    structured::check(text, grammar).map_err(|reason| value.error(&reason))?;
    Ok(HeaderValue::Text(text.into()))
}

/// The addresses of a text, if it has nothing else; a group has a name of its own.
fn addresses_in(text: &str) -> Option<Vec<Address>> {
    if text.contains([':', ';']) {
        return None;
    }
    let list = parse_addresses(text).into_iter();
    let addresses: Option<Vec<_>> = list
        .map(|(name, address)| {
            let address = address.parse().ok()?;
            let display_name = name
                .filter(|name| name.len() <= MAX_PARAMETER)
                .map(Into::into);
            Some(Address {
                display_name,
                address,
            })
        })
        .collect();
    addresses.filter(|addresses| !addresses.is_empty())
}

fn read_addresses(value: &Reader<'_>) -> Result<Vec<Address>, SpecError> {
    if value.is_object() {
        return Ok([read_address(value)?].into());
    }
    let elements = value.array("an array of {\"display_name\", \"address\"} objects")?;
    if elements.is_empty() {
        return Err(value.error("must not be empty: leave the header field out"));
    }
    elements.iter().map(read_address).collect()
}

fn read_address(value: &Reader<'_>) -> Result<Address, SpecError> {
    let (mut display_name, mut address) = (None, None);
    for (key, value) in value.object("an object with `address`")? {
        match key {
            "display_name" => {
                let name = value.text("a name", MAX_PARAMETER)?;
                display_name = (!name.trim().is_empty()).then(|| name.trim().into());
            }
            "address" => {
                let text = value.string("an address such as \"alice@example.com\"")?;
                let mailbox = text.parse::<Mailbox>().map_err(|reason| {
                    value.error(&format!(
                        "must be an address such as alice@example.com: {reason}"
                    ))
                })?;
                address = Some(mailbox);
            }
            _ => return Err(value.unknown_key()),
        }
    }
    let address = address.ok_or_else(|| value.error("lacks an `address`"))?;
    Ok(Address {
        display_name,
        address,
    })
}

fn read_date(value: &Reader<'_>) -> Result<HeaderValue, SpecError> {
    let (mut unix_secs, mut tz_offset) = (None, 0);
    for (key, value) in value.object("an object with `unix_secs` and `tz_offset`")? {
        match key {
            "unix_secs" => unix_secs = Some(value.integer("a whole number of seconds")?),
            "tz_offset" => tz_offset = value.integer("a whole number of seconds")?,
            _ => return Err(value.unknown_key()),
        }
    }
    let unix_secs = unix_secs.ok_or_else(|| value.error("lacks `unix_secs`"))?;
    date::write(unix_secs, tz_offset).map_err(|reason| value.error(reason))?;
    Ok(HeaderValue::Date {
        unix_secs,
        tz_offset,
    })
}

fn read_ids(value: &Reader<'_>, is_one: bool) -> Result<Vec<Box<str>>, SpecError> {
    if value.is_string() {
        return Ok([bare_id(value, MAX_WORD)?].into());
    }
    let elements = value.array("an array of ids without `<>`")?;
    if elements.is_empty() {
        return Err(value.error("must not be empty: leave the header field out"));
    }
    if is_one && elements.len() > 1 {
        return Err(value.error("must be one id"));
    }
    elements.iter().map(|id| bare_id(id, MAX_WORD)).collect()
}

/// An id, also where it has its `<>`.
pub(super) fn bare_id(value: &Reader<'_>, max: usize) -> Result<Box<str>, SpecError> {
    let text = value.string("an id without `<>`")?;
    let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
    let id = inner.unwrap_or(text);
    if value.exceeds(id.len(), max) || !is_id(id) {
        return Err(value.error(&format!(
            "must be an id such as abc@example.com, of {max} octets at most, without spaces, `<` and `>`"
        )));
    }
    Ok(id.into())
}

/// Whether a text can stand between `<` and `>`.
pub(super) fn is_id(text: &str) -> bool {
    let is_fine = |c: char| {
        c.is_ascii_graphic() && !"<>".contains(c)
            || !c.is_ascii() && !c.is_control() && !c.is_whitespace()
    };
    !text.is_empty() && text.chars().all(is_fine)
}
