//! Elements of certificates in their encoding (DER).

pub(super) const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The fields of a certificate from its validity on; `None` if the structure is not as expected.
///
/// *Source*: RFC 5280 section 4.1.
pub(super) fn up_to_validity(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature, issuer.
    for _ in 0..3 {
        (_, _, fields) = any(fields)?;
    }
    Some(fields)
}

/// The content of the first element, if it has that tag, and the rest.
pub(super) fn element(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(octets)?;
    (found == tag).then_some((content, rest))
}

/// Tag and content of the first element, and the rest.
pub(super) fn any(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        ..0x80 => (usize::from(first), rest),
        // A length this long belongs to no element that fits into memory.
        0x80 | 0x85.. => return None,
        _ => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let len = len
                .iter()
                .fold(0, |len, &octet| len << 8 | usize::from(octet));
            (len, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}
