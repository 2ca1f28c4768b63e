//! What a notification is about.

/// The recipients whose failure a notification reports, read from the beginning of its message;
/// empty where it is not a notification.
///
/// *Source*: RFC 3464 section 2.3.2 (Final-Recipient).
pub(crate) fn failed_recipients(message: &[u8]) -> Vec<String> {
    let lines = message.split(|octet| *octet == b'\n');
    let addresses = lines.filter_map(|line| {
        let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        if !name.eq_ignore_ascii_case("Final-Recipient") {
            return None;
        }
        let (_, address) = value.split_once(';')?;
        Some(address.trim().to_owned())
    });
    addresses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_recipients_are_found() {
        let message = "Subject: x\r\n\r\nFinal-Recipient: rfc822; b@y\r\nAction: failed\r\n\r\n\
                       final-recipient:utf-8;c@y\r\nFinal-Recipient: none\r\n\
                       X-Final-Recipient: rfc822; d@y\r\n";
        assert_eq!(failed_recipients(message.as_bytes()), ["b@y", "c@y"]);
    }
}
