//! The header by which a proxy says whose connection it passes on.

mod binary;
mod text;

use std::net::SocketAddr;

use bytes::{Buf, BytesMut};

/// What a proxy says, before all else, of the connection that it passes on.
///
/// *Source*: the PROXY protocol, versions 1 and 2, as HAProxy describes it
/// (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>). Headers are taken for TCP over IPv4
/// and IPv6; what version 2 may add of other facts is passed over.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use koukan_smtp::codec::ProxyHeader;
///
/// let mut input = BytesMut::from("PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\r\nEHLO");
/// let header = ProxyHeader::decode(&mut input)?;
/// assert_eq!(header, Some(ProxyHeader::Client {
///     from: ([192, 0, 2, 7], 51234).into(),
///     to: ([192, 0, 2, 1], 25).into(),
/// }));
/// assert_eq!(&input[..], b"EHLO");
/// # Ok::<(), koukan_smtp::codec::InvalidProxyHeader>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// A client's connection.
    Client {
        /// The client's address.
        from: SocketAddr,
        /// The address of the proxy that it connected to.
        to: SocketAddr,
    },
    /// The proxy's own connection, as to see whether the server is well, or one of a client that the
    /// proxy does not know by an IP address.
    Own,
}

/// What was sent is not the header of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PROXY header, version 1 or 2")]
pub struct InvalidProxyHeader;

/// A header and how many octets it has; `None` where more of it is to come.
type Parsed = Result<Option<(ProxyHeader, usize)>, InvalidProxyHeader>;

impl ProxyHeader {
    /// Takes a header off the front of `input`. `None` where it is not there to its end; then `input`
    /// is as it was. A header has 4112 octets at most.
    ///
    /// # Errors
    ///
    /// As soon as it can be told that there is none, whatever would follow.
    pub fn decode(input: &mut BytesMut) -> Result<Option<Self>, InvalidProxyHeader> {
        let parsed = match input.first() {
            None => Ok(None),
            Some(b'P') => text::parse(input),
            Some(_) => binary::parse(input),
        };
        let parsed = parsed?.map(|(header, length)| {
            input.advance(length);
            header
        });
        Ok(parsed)
    }
}

/// Whether `input`, as far as it is there, begins so.
fn begins_with(input: &[u8], start: &[u8]) -> bool {
    input.iter().zip(start).all(|(octet, other)| octet == other)
}
