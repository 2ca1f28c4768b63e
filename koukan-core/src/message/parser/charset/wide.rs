//! UTF-16 and UTF-32, whose byte order may have to be detected.

/// Which octet of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Order {
    Little,
    Big,
}

/// Decodes UTF-16. Without a given order, a byte order mark determines it, or else the position of
/// the zeros in ASCII characters. If neither helps, it is big endian: RFC 2781 section 4.3.
pub(super) fn utf16(octets: &[u8], order: Option<Order>) -> String {
    let (order, octets) = match octets {
        [0xfe, 0xff, rest @ ..] if order != Some(Order::Little) => (Order::Big, rest),
        [0xff, 0xfe, rest @ ..] if order != Some(Order::Big) => (Order::Little, rest),
        _ => (order.unwrap_or_else(|| guess(octets)), octets),
    };
    let (pairs, rest) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|pair| match order {
        Order::Little => u16::from_le_bytes(*pair),
        Order::Big => u16::from_be_bytes(*pair),
    });
    let chars = char::decode_utf16(units);
    let mut text: String = chars
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

fn guess(octets: &[u8]) -> Order {
    let (pairs, _) = octets.as_chunks::<2>();
    let zeros = |side: usize| pairs.iter().filter(|pair| pair[side] == 0).count();
    match zeros(1) > zeros(0) {
        true => Order::Little,
        false => Order::Big,
    }
}

/// Decodes UTF-32; big endian if nothing determines the order.
pub(super) fn utf32(octets: &[u8], order: Option<Order>) -> String {
    let (order, octets) = match octets {
        [0, 0, 0xfe, 0xff, rest @ ..] if order != Some(Order::Little) => (Order::Big, rest),
        [0xff, 0xfe, 0, 0, rest @ ..] if order != Some(Order::Big) => (Order::Little, rest),
        // The first octet of a big-endian character is always zero.
        [first, ..] if order.is_none() && *first != 0 => (Order::Little, octets),
        _ => (order.unwrap_or(Order::Big), octets),
    };
    let (numbers, rest) = octets.as_chunks::<4>();
    let mut text: String = numbers
        .iter()
        .map(|number| match order {
            Order::Little => u32::from_le_bytes(*number),
            Order::Big => u32::from_be_bytes(*number),
        })
        .map(|number| char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_found_out() {
        for (octets, order, expected) in [
            (&b"\xff\xfea\0"[..], None, "a"),
            (b"\xfe\xff\0a", None, "a"),
            (b"a\0b\0", None, "ab"),
            (b"\0a\0b", None, "ab"),
            (b"\x65\xe5", None, "日"),
            (b"\0a\0", None, "a\u{fffd}"),
            (b"\xd8\x3d\xde\x42", Some(Order::Big), "🙂"),
            (b"\xd8\x3d\0a", Some(Order::Big), "\u{fffd}a"),
            (b"\xff\xfea\0", Some(Order::Little), "a"),
        ] {
            assert_eq!(utf16(octets, order), expected, "{octets:?}");
        }
        for (octets, expected) in [
            (&b"\0\0\xfe\xff\0\x01\xf6\x42"[..], "🙂"),
            (b"a\0\0\0", "a"),
            (b"\0\0\0a\0", "a\u{fffd}"),
            (b"\0\0\xd8\0", "\u{fffd}"),
        ] {
            assert_eq!(utf32(octets, None), expected, "{octets:?}");
        }
    }
}
