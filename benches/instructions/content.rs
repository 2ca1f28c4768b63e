//! Messages.

/// A message of so many octets, in lines of 72.
pub(crate) fn message(size: usize) -> String {
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let mut message =
        "From: <alice@example.org>\r\nTo: <bob@example.com>\r\nSubject: hello\r\n\r\n".to_owned();
    while message.len() + line.len() <= size {
        message.push_str(&line);
    }
    message
}
