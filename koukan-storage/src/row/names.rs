//! Searches an envelope for an address, without reading the rest.

use std::borrow::Cow;

use serde::Deserialize;

/// Whether the address is in an envelope.
pub(crate) struct Names {
    pub(crate) is_sender: bool,
    pub(crate) is_recipient: bool,
}

#[derive(Deserialize)]
struct Mail<'a> {
    #[serde(borrow)]
    reverse_path: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Recipient<'a> {
    #[serde(borrow)]
    forward_path: Cow<'a, str>,
}

/// Searches the columns of an envelope for an address. A column that cannot be read names nobody.
pub(crate) fn names(mail: &str, recipients: &str, is_it: impl Fn(&str) -> bool) -> Names {
    let mail = serde_json::from_str::<Mail<'_>>(mail);
    let recipients = serde_json::from_str::<Vec<Recipient<'_>>>(recipients);
    let mut recipients = recipients.into_iter().flatten();
    Names {
        is_sender: mail.is_ok_and(|mail| is_it(&mail.reverse_path)),
        is_recipient: recipients.any(|recipient| is_it(&recipient.forward_path)),
    }
}
