//! Lines in JSON that are safe to look at.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::logging::escape::is_shown;

/// Escapes what does not show, which JSON does for control characters below a space only. All of it
/// stands within strings.
#[derive(Debug)]
pub(in crate::logging) struct Escaping<W>(pub(in crate::logging) W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Escaping<W> {
    type Writer = Escaping<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaping(self.0.make_writer())
    }
}

impl<W: Write> Write for Escaping<W> {
    /// Takes whole lines, which is how they are written.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let is_plain = |octet: &u8| octet.is_ascii() && *octet != b'\x7f';
        if octets.iter().all(is_plain) {
            return self.0.write(octets);
        }
        let text = String::from_utf8_lossy(octets);
        self.0.write_all(escaped(&text).as_bytes())?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A line of JSON with escapes, RFC 8259 section 7.
fn escaped(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if c == '\n' || is_shown(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}
