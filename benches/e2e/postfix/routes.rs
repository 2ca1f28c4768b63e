//! How Postfix finds hosts.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::Arc,
};

use crate::{
    Failed,
    dns::{Dns, Zone},
};

/// The address of a DNS server: Postfix' configuration of servers has no port.
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 53, 0, 1)), 53);

/// Lines of the configuration: everything goes to the sink.
pub(super) fn fixed(sink: SocketAddr) -> String {
    format!(
        "relayhost = [{}]:{}\ndisable_dns_lookups = yes",
        sink.ip(),
        sink.port()
    )
}

/// Lines of the configuration: mail goes to the hosts that the DNS names, at the sink's port.
pub(super) fn by_domain(sink: SocketAddr) -> String {
    format!("smtp_tcp_port = {}", sink.port())
}

/// Starts a server with the zone, and lets the command use it. For this command alone, the file
/// that names the machine's DNS servers is replaced.
pub(super) fn with_resolver(
    command: &Command,
    zone: &Arc<Zone>,
    folder: &Path,
) -> Result<(Command, Dns), Failed> {
    let dns = Dns::start(Arc::clone(zone), SERVER)?;
    let file = folder.join("resolv.conf");
    fs::write(&file, format!("nameserver {}\n", SERVER.ip()))?;
    let mut alone = Command::new("unshare");
    alone
        .args(["--mount", "sh", "-c"])
        .arg("mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"")
        .arg(file)
        .arg(command.get_program())
        .args(command.get_args());
    Ok((alone, dns))
}
