//! Which header fields a message has that another one lacks.

/// The fields of a header section, each with its name; other lines are skipped. The section ends at the
/// first empty line.
fn fields(octets: &[u8]) -> Vec<(&str, &[u8])> {
    let mut found: Vec<(&str, &[u8])> = Vec::new();
    let (mut at, mut begun) = (0, 0);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let end = at + line.len();
        if line == b"\r\n" || line == b"\n" {
            break;
        }
        let is_folded = matches!(line.first(), Some(b' ' | b'\t'));
        match found.last_mut() {
            Some(last) if is_folded => last.1 = &octets[begun..end],
            _ if is_folded => {}
            _ => {
                begun = at;
                let name = line.split(|octet| *octet == b':').next();
                let name = name.filter(|name| name.len() < line.len());
                if let Some(name) = name.and_then(|name| str::from_utf8(name).ok()) {
                    found.push((name.trim_end(), line));
                }
            }
        }
        at = end;
    }
    found
}

/// The names of the fields that `now` has and `before` lacks, each as often as it was added.
pub(super) fn more(now: &[u8], before: &[u8]) -> Vec<Box<str>> {
    let mut known = fields(before);
    let mut more = Vec::new();
    for field in fields(now) {
        match known.iter().position(|other| *other == field) {
            Some(at) => drop(known.swap_remove(at)),
            None => more.push(field.0.into()),
        }
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_one_message_has_more_than_another() {
        let one = b"Received: a\r\n\tb\r\nSubject: hi\r\n\r\nX: no\r\n";
        let other = b"Received: a\r\nSubject: hi\r\nSubject: hi\r\n\r\n";
        for (now, before, expected) in [
            (&one[..], &other[..], &["Received"][..]),
            (&other[..], &one[..], &["Received", "Subject"][..]),
            (&one[..], &one[..], &[][..]),
            (&one[..], &b""[..], &["Received", "Subject"][..]),
            (&b"no field\r\nA: b\r\n"[..], &b""[..], &["A"][..]),
        ] {
            let names = more(now, before);
            let names: Vec<_> = names.iter().map(|name| &**name).collect();
            assert_eq!(names, expected);
        }
    }
}
