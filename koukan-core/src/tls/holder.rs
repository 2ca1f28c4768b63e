//! The holder of a certificate, by the names in it.

use super::der::{SEQUENCE, any, element, up_to_validity};

const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const EXTENSIONS: u8 = 0xa3;
/// The tag of a mailbox among the alternative names.
const RFC822_NAME: u8 = 0x81;
/// The tag of a domain among them.
const DNS_NAME: u8 = 0x82;
/// Tags of text: UTF8String, PrintableString, IA5String.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// `id-ce-subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The maximum length of a name in octets.
const LEN_MAX: usize = 255;

/// The name of the holder of a certificate in DER: the first mailbox among its alternative names, or else the
/// first domain, or else the common name of its subject. `None` if there is none, or one that is not plain
/// text.
///
/// *Source*: RFC 5280 sections 4.1.2.6 and 4.2.1.6.
pub(super) fn holder(certificate: &[u8]) -> Option<Box<str>> {
    let (_, _, fields) = any(up_to_validity(certificate)?)?;
    let (subject, fields) = element(fields, SEQUENCE)?;
    let names = alternative_names(fields);
    let of_kind = |kind: u8| {
        let mut names = Elements(names?);
        names.find_map(|(tag, name)| (tag == kind).then_some(name))
    };
    let found = of_kind(RFC822_NAME).or_else(|| of_kind(DNS_NAME));
    let name = str::from_utf8(found.or_else(|| common_name(subject))?).ok()?;
    let is_plain =
        !name.is_empty() && name.len() <= LEN_MAX && !name.contains(|c: char| c.is_control());
    is_plain.then(|| name.into())
}

/// The alternative names, in the fields that follow the subject.
fn alternative_names(fields: &[u8]) -> Option<&[u8]> {
    let mut fields = Elements(fields);
    let (_, extensions) = fields.find(|(tag, _)| *tag == EXTENSIONS)?;
    let (extensions, _) = element(extensions, SEQUENCE)?;
    let mut extensions = Elements(extensions);
    let names = extensions.find_map(|(_, extension)| {
        let (id, rest) = element(extension, OBJECT_IDENTIFIER)?;
        if id != ALTERNATIVE_NAMES {
            return None;
        }
        let rest = element(rest, BOOLEAN).map_or(rest, |(_, rest)| rest);
        Some(element(rest, OCTET_STRING)?.0)
    })?;
    Some(element(names, SEQUENCE)?.0)
}

fn common_name(subject: &[u8]) -> Option<&[u8]> {
    let mut parts = Elements(subject).filter(|(tag, _)| *tag == SET);
    parts.find_map(|(_, part)| {
        let (attribute, _) = element(part, SEQUENCE)?;
        let (id, rest) = element(attribute, OBJECT_IDENTIFIER)?;
        let (tag, text, _) = any(rest)?;
        (id == COMMON_NAME && TEXTS.contains(&tag)).then_some(text)
    })
}

/// Tag and content of one element after the other, up to the first invalid one.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = any(self.0)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn named(names: Vec<SanType>, common: Option<&str>) -> Option<Box<str>> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "x");
            params.distinguished_name.push(DnType::CommonName, common);
        }
        let key = KeyPair::generate().unwrap();
        holder(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn a_mailbox_comes_before_a_domain_and_that_before_the_subject() {
        let mailbox = || SanType::Rfc822Name("a@example.com".try_into().unwrap());
        let domain = || SanType::DnsName("mx.example.com".try_into().unwrap());
        for (names, common, expected) in [
            (vec![domain(), mailbox()], Some("c"), Some("a@example.com")),
            (vec![domain()], Some("c"), Some("mx.example.com")),
            (vec![], Some("common name"), Some("common name")),
            (vec![], Some("two\nlines"), None),
            (vec![], None, None),
        ] {
            assert_eq!(named(names, common).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_name() {
        for octets in [&[][..], &[SEQUENCE, 0], &[SEQUENCE, 2, SEQUENCE, 0]] {
            assert_eq!(holder(octets), None, "{octets:x?}");
        }
    }
}
