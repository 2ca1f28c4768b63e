//! What the erasure of the data about an address has in common for all databases.

use std::collections::HashMap;

use koukan_core::path::{Mailbox, is_same_domain};

use crate::row::{named_recipient, names};

/// A transaction whose envelope contains the address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Whether the address is the sender's.
    pub is_sender: bool,
    /// Whether it is one of the recipients.
    pub is_recipient: bool,
    /// Whether the transaction is over. One that is not is never erased.
    pub is_final: bool,
}

/// The transactions that were found, and whether they are over.
pub(crate) struct Known<'a>(HashMap<&'a str, bool>);

impl<'a> Known<'a> {
    pub(crate) fn of(found: &'a [Named]) -> Self {
        Self(
            found
                .iter()
                .map(|named| (named.id.as_str(), named.is_final))
                .collect(),
        )
    }

    /// Whether an event is erased: those of transactions that are over, and events that name the address and whose
    /// transactions were removed before.
    pub(crate) fn is_erased(&self, id: &str, details: &str, address: &Mailbox) -> bool {
        match self.0.get(id) {
            Some(is_final) => *is_final,
            None => named_recipient(details).is_some_and(|recipient| is_same(&recipient, address)),
        }
    }
}

/// A transaction with these columns, if its envelope names the address.
pub(crate) fn named(
    (id, mail, recipients): (&str, &str, &str),
    is_final: bool,
    address: &Mailbox,
) -> Option<Named> {
    let names = names(mail, recipients, |known| is_same(known, address));
    (names.is_sender || names.is_recipient).then(|| Named {
        id: id.to_owned(),
        is_sender: names.is_sender,
        is_recipient: names.is_recipient,
        is_final,
    })
}

pub(crate) fn is_same(known: &str, address: &Mailbox) -> bool {
    let Ok(known) = known.parse::<Mailbox>() else {
        return false;
    };
    let (one, other) = (known.unquoted_local_part(), address.unquoted_local_part());
    one.eq_ignore_ascii_case(&other) && is_same_domain(known.domain_text(), address.domain_text())
}

/// The forms of the address in conversations: in lower case as far as it is ASCII, and as JSON.
pub(crate) fn said_of(address: &Mailbox) -> [String; 3] {
    let (local, domain) = (address.unquoted_local_part(), address.domain_text());
    let escaped = local.replace('\\', r"\\").replace('"', "\\\"");
    let plain = format!("{local}@{domain}");
    let quoted = format!("\"{escaped}\"@{domain}");
    [address.to_string(), plain, quoted].map(|text| {
        let json = serde_json::Value::from(text.to_ascii_lowercase()).to_string();
        let json = json
            .strip_prefix('"')
            .and_then(|json| json.strip_suffix('"'));
        json.unwrap_or_default().to_owned()
    })
}
