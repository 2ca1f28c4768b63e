//! Parameters of structured fields: RFC 2045, RFC 2231.

use crate::message::token::is_attribute;

use super::field::Field;

/// The maximum length of a quoted value, in octets.
const MAX_QUOTED: usize = 60;
/// The maximum length of a section of a value in RFC 2231 form, in octets, without its name.
const MAX_SECTION: usize = 54;
const START: &str = "utf-8''";

/// Adds `; name=value`, in sections if the value is long or not ASCII.
pub(super) fn add(field: &mut Field, name: &str, value: &str) {
    let is_plain = value.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    field.append(";");
    if is_plain && value.len() <= MAX_QUOTED && !value.contains("=?") {
        let is_bare = is_attribute(value) && name != "filename";
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        match is_bare {
            true => field.word(&format!("{name}={value}")),
            false => field.word(&format!("{name}=\"{quoted}\"")),
        };
        return;
    }
    let mut sections = vec![START.to_owned()];
    for c in value.chars() {
        let c = percent(c);
        match sections.last_mut() {
            Some(last) if last.len() + c.len() <= MAX_SECTION => last.push_str(&c),
            _ => sections.push(c),
        }
    }
    if let [section] = &sections[..] {
        field.word(&format!("{name}*={section}"));
        return;
    }
    for (number, section) in sections.iter().enumerate() {
        if number > 0 {
            field.append(";");
        }
        field.word(&format!("{name}*{number}*={section}"));
    }
}

/// `attribute-char`, or percent-encoded.
fn percent(c: char) -> String {
    if c.is_ascii_alphanumeric() || "-._~".contains(c) {
        return c.into();
    }
    let mut octets = [0; 4];
    let octets = c.encode_utf8(&mut octets).bytes();
    octets.map(|octet| format!("%{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(value: &str) -> String {
        let mut field = Field::new("content-disposition");
        add(field.word("attachment"), "filename", value);
        field.finish()
    }

    #[test]
    fn plain_values_are_quoted() {
        let field = parameter("a \"b\".txt");
        assert_eq!(
            field,
            "Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"\r\n"
        );
    }

    #[test]
    fn others_are_in_sections_of_whole_characters() {
        let field = parameter("ü.txt");
        assert_eq!(
            field,
            "Content-Disposition: attachment; filename*=utf-8''%C3%BC.txt\r\n"
        );
        let field = parameter(&"日本語".repeat(30));
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        assert!(field.contains(";\r\n filename*1*=%"), "{field}");
    }
}
