//! Refuses clients that would connect, while those that are connected are still accepted.

use tokio::net::TcpListener;

/// Has the system drop requests to connect. A client repeats its request after a second; when the socket has been closed by
/// then, the client is refused.
///
/// Without that, whoever connects between the last accept and the close is reset: for the client its request is lost. A
/// handshake that has begun goes on, since only a SYN is dropped.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn refuse(listener: &TcpListener) {
    use socket2::{SockFilter, SockRef};

    use crate::causes::Causes;

    // The classic BPF of linux/filter.h. A filter sees the segment from its TCP header on.
    const LOAD_OCTET: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// Where the flags stand, and the flag (RFC 9293 section 3.1). A listening socket sees no SYN together with ACK.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    /// How many octets pass.
    const ALL: u32 = u32::MAX;
    const NONE: u32 = 0;

    // Connections inherit the filter. It does not harm them, since theirs are no requests to connect.
    let drop_requests = [
        SockFilter::new(LOAD_OCTET, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, NONE),
        SockFilter::new(RETURN, 0, 0, ALL),
    ];
    if let Err(error) = SockRef::from(listener).attach_filter(&drop_requests) {
        tracing::debug!(error = %Causes(&error), "clients that connect right before a listener is closed are reset");
    }
}

/// Other systems have no such filter.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn refuse(_: &TcpListener) {}
