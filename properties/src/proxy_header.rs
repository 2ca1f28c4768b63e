//! PROXY headers: nothing panics, cuts do not matter, and an incomplete header is left in the input.

use bytes::BytesMut;
use koukan_smtp::codec::ProxyHeader;

/// The most octets in a header.
const LEN_MAX: usize = 4112;

pub(crate) fn holds(octets: &[u8]) {
    let whole = ProxyHeader::decode(&mut BytesMut::from(octets));
    let mut buffer = BytesMut::new();
    for (count, octet) in octets.iter().enumerate() {
        buffer.extend_from_slice(&[*octet]);
        let decoded = ProxyHeader::decode(&mut buffer);
        if decoded == Ok(None) {
            assert_eq!(buffer, octets[..=count]);
            assert!(count < LEN_MAX);
            continue;
        }
        assert_eq!(decoded, whole);
        assert!(decoded.is_err() || buffer.is_empty());
        return;
    }
    assert_eq!(whole, Ok(None));
}
