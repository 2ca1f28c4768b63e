//! The required and the unique fields of a header section.

use std::collections::BTreeSet;

use crate::message::{
    header_section::{HeaderField, HeaderSection},
    parser::is_date,
};

use super::Problem;

/// Fields that may appear only once, besides those that have a problem of their own: RFC 5322 section
/// 3.6.
const ONCE: [&str; 8] = [
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "in-reply-to",
    "references",
    "subject",
];
/// Fields with addresses, besides `From`.
const ADDRESSES: [&str; 5] = ["sender", "reply-to", "to", "cc", "bcc"];
/// MIME fields that may appear only once: RFC 2045, RFC 2183.
const CONTENT_ONCE: [&str; 6] = [
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-description",
];

/// Checks the header section of a message.
pub(super) fn message(header: &HeaderSection, problems: &mut BTreeSet<Problem>) {
    let mut note = |is_so: bool, problem| {
        if is_so {
            problems.insert(problem);
        }
    };
    let mut only = |name: &'static str, missing, repeated| {
        let mut fields = header.all(name);
        let first = fields.next();
        note(first.is_none(), missing);
        let is_repeated = fields.next().is_some();
        note(is_repeated, repeated);
        first.filter(|_| !is_repeated)
    };
    let from = only("from", Problem::FromMissing, Problem::FromRepeated);
    let date = only("date", Problem::DateMissing, Problem::DateRepeated);
    let id = only(
        "message-id",
        Problem::MessageIdMissing,
        Problem::MessageIdRepeated,
    );
    if from.is_some() {
        match header.senders() {
            None => note(true, Problem::FromInvalid),
            Some(senders) => {
                let has_sender = header.all("sender").next().is_some();
                note(senders.len() > 1 && !has_sender, Problem::SenderMissing);
            }
        }
    }
    note(
        date.is_some_and(|date| !is_date(&date.text())),
        Problem::DateInvalid,
    );
    note(
        id.is_some_and(|id| !is_id(&id.text())),
        Problem::MessageIdInvalid,
    );
    note(
        ONCE.iter().any(|name| is_repeated(header, name)),
        Problem::FieldRepeated,
    );
    let mut fields = ADDRESSES.iter().flat_map(|name| header.all(name));
    note(fields.any(has_no_address), Problem::AddressInvalid);
    let has = |name| header.all(name).next().is_some();
    let is_mime = has("content-type") || has("content-transfer-encoding");
    note(is_mime && !has("mime-version"), Problem::MimeVersionMissing);
}

/// Checks the content fields of a header section, of a message or of a part.
pub(super) fn content(header: &HeaderSection, problems: &mut BTreeSet<Problem>) {
    if CONTENT_ONCE.iter().any(|name| is_repeated(header, name)) {
        problems.insert(Problem::FieldRepeated);
    }
}

fn is_repeated(header: &HeaderSection, name: &str) -> bool {
    header.all(name).nth(1).is_some()
}

/// Whether an entry of the field is not an address. An empty group is allowed.
fn has_no_address(field: HeaderField) -> bool {
    field.mailboxes().iter().any(Option::is_none)
}

/// `<left@right>`, with nothing in it that would end it: RFC 5322 section 3.6.4.
fn is_id(text: &str) -> bool {
    let inner = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    inner
        .and_then(|inner| inner.split_once('@'))
        .is_some_and(|(left, right)| {
            let is_plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', ' ', '@']);
            is_plain(left) && is_plain(right)
        })
}
