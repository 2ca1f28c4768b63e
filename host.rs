//! A host: `["192.0.2.1", 25]`.

use koukan_core::signals::HostPort;
use serde_json::{Value, json};

use super::{At, Malformed};

/// Writes a host.
pub fn to_json(host: &HostPort) -> Value {
    json!([host.host, host.port])
}

/// Reads a host: an IP address or a name, without brackets, and a port.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<HostPort, Malformed> {
    let detail = "must be a host and a port, as in [\"192.0.2.1\", 25]";
    let Value::Array(pair) = value else {
        return Err(at.malformed(detail));
    };
    let [host, port] = pair.as_slice() else {
        return Err(at.malformed(detail));
    };
    let host = host.as_str().filter(|host| is_host(host));
    let host = host.ok_or_else(|| at.index(0).malformed("must be an IP address or a host name"))?;
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or_else(|| at.index(1).malformed("must be a port, 0 to 65535"))?;
    Ok(HostPort {
        host: host.into(),
        port,
    })
}

fn is_host(text: &str) -> bool {
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let is_name_char = |c: char| !c.is_control() && !c.is_whitespace() && !":[]/@\"\\".contains(c);
    is_address || (1..=255).contains(&text.len()) && text.chars().all(is_name_char)
}
