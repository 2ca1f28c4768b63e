//! The header in which a proxy names the client whose connection it passes on.

mod binary;
mod text;

use std::net::SocketAddr;

use bytes::{Buf, BytesMut};

/// What a proxy says, before anything else, about the connection that it passes on.
///
/// *Source*: the PROXY protocol, versions 1 and 2, as HAProxy describes it
/// (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>). Headers for TCP over IPv4 and
/// IPv6 are understood; optional facts in version 2 are ignored.
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
        /// The address of the proxy to which the client connected.
        to: SocketAddr,
    },
    /// The proxy's own connection, for example a health check, or that of a client whose IP address
    /// the proxy does not know.
    Own,
}

/// What was sent is not the header of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PROXY header, version 1 or 2")]
pub struct InvalidProxyHeader;

/// A header and how many octets it has; `None` when more octets are needed.
type Parsed = Result<Option<(ProxyHeader, usize)>, InvalidProxyHeader>;

impl ProxyHeader {
    /// Takes a header off the front of `input`. `None` when it is incomplete; `input` is then
    /// unchanged. A header has at most 4112 octets.
    ///
    /// # Errors
    ///
    /// [`InvalidProxyHeader`] as soon as it is certain that the input is not a header.
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

/// Whether `input`, as far as it has arrived, agrees with `start`.
fn begins_with(input: &[u8], start: &[u8]) -> bool {
    input.iter().zip(start).all(|(octet, other)| octet == other)
}
