//! Messages that are encoded for hosts: what goes on is what the host takes, however the message came, and
//! nothing more is left to do.

use koukan_core::message::downgrade::{Downgrade, Signatures, Transport, Unconvertible};

fn converted(
    mut downgrade: Downgrade,
    octets: &[u8],
    step: usize,
) -> Result<Vec<u8>, Unconvertible> {
    let mut converted = Vec::new();
    for chunk in octets.chunks(step) {
        converted.extend_from_slice(&downgrade.chunk(chunk)?);
    }
    converted.extend_from_slice(&downgrade.end()?);
    Ok(converted)
}

pub(crate) fn holds(octets: &[u8]) {
    let [flags, step, octets @ ..] = octets else {
        return;
    };
    let has = |bit: u8| flags & 1 << bit != 0;
    let transport = if has(0) {
        Transport::EightBit
    } else {
        Transport::SevenBit
    };
    let mut downgrade = Downgrade::new(transport);
    if has(1) {
        downgrade = downgrade.with_signatures(Signatures::Break);
    }
    let is_binary = has(2);
    if is_binary {
        downgrade = downgrade.of_binary();
    }
    let whole = converted(downgrade.clone(), octets, octets.len().max(1));
    let by_steps = converted(downgrade.clone(), octets, usize::from(*step).max(1));
    assert_eq!(whole, by_steps);
    let Ok(whole) = whole else { return };
    assert!(transport == Transport::EightBit || whole.is_ascii());
    if is_binary {
        let mut rest = &whole[..];
        while !rest.is_empty() {
            let end = rest.windows(2).position(|pair| pair == b"\r\n");
            let line = &rest[..end.unwrap_or(rest.len())];
            assert!(line.len() <= 998, "a line is too long");
            assert!(
                !line.iter().any(|octet| b"\r\n\0".contains(octet)),
                "{line:?}"
            );
            rest = &rest[end.map_or(rest.len(), |end| end + 2)..];
        }
    }
    assert_eq!(converted(downgrade, &whole, 100), Ok(whole));
}
