//! Exim, from an unpacked package, since it cannot be installed beside Postfix.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::site::{PASSWORD, Site, USER};
use crate::{
    peers::{installed, peer, run},
    process::{Process, await_listener, comes_within, free_address},
};

/// The user as which it runs; the name is compiled in.
const OWNER: &str = "Debian-exim";

/// A running Exim, which passes on everything that it accepts.
pub(super) struct Exim {
    pub(super) address: SocketAddr,
    _process: Process,
    directory: TempDir,
}

impl Exim {
    /// Starts one that accepts everything, and passes it on as a user, over TLS with a verified
    /// certificate.
    pub(super) fn client(site: &Site, relay: SocketAddr) -> Self {
        let ca = site.shown("ca.pem");
        let transport = format!(
            "hosts_require_tls = *\n  \
             tls_verify_certificates = {ca}\n  \
             tls_verify_hosts = *\n  \
             tls_sni = localhost\n  \
             tls_verify_cert_hostnames = *\n  \
             hosts_require_auth = *"
        );
        Self::start(relay, "tls_advertise_hosts =", "accept", &transport)
    }

    /// Starts one that accepts mail only from users, over TLS. It notifies senders itself that it
    /// has relayed their mail.
    pub(super) fn server(site: &Site, relay: SocketAddr) -> Self {
        let (certificate, key) = (site.shown("mx.pem"), site.shown("mx.key"));
        let settings = format!(
            "tls_advertise_hosts = *\ntls_certificate = {certificate}\ntls_privatekey = {key}"
        );
        Self::serve(relay, &settings)
    }

    /// Like [`Exim::server`], with TLS from the first octet on.
    pub(super) fn server_at_once(site: &Site, relay: SocketAddr) -> Self {
        let (certificate, key) = (site.shown("mx.pem"), site.shown("mx.key"));
        let settings = format!(
            "tls_on_connect_ports = LISTEN\ntls_certificate = {certificate}\ntls_privatekey = {key}"
        );
        Self::serve(relay, &settings)
    }

    fn serve(relay: SocketAddr, settings: &str) -> Self {
        Self::start(
            relay,
            settings,
            "accept authenticated = *",
            "hosts_try_chunking =",
        )
    }

    /// Starts one that does not offer 8BITMIME, and passes on everything unchanged.
    pub(super) fn of_ascii(relay: SocketAddr) -> Self {
        let settings = "accept_8bitmime = false\ntls_advertise_hosts =";
        Self::start(relay, settings, "accept", "hosts_avoid_tls = *")
    }

    fn start(relay: SocketAddr, settings: &str, acl: &str, transport: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let folder = directory.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        let text = include_str!("exim.conf")
            .replace("SETTINGS", settings)
            .replace("TRANSPORT", transport)
            .replace("ACL", acl)
            .replace("FOLDER", &folder.display().to_string())
            .replace("RELAY", &relay.port().to_string())
            .replace("LISTEN", &address.port().to_string())
            .replace("USER", USER)
            .replace("PASSWORD", PASSWORD);
        let config = folder.join("exim.conf");
        fs::write(&config, text).unwrap();
        fs::create_dir(folder.join("spool")).unwrap();
        // Run as its owner, it drops no privileges, and needs no file of the system.
        let exim = folder.join("exim");
        fs::copy(installed("debian/exim/usr/sbin/exim4"), &exim).unwrap();
        fs::set_permissions(&exim, fs::Permissions::from_mode(0o755)).unwrap();
        run(peer("chown").args(["-R", OWNER]).arg(folder));
        let mut command: Command = peer("setpriv");
        command
            .args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups"])
            .arg(exim)
            .arg("-C")
            .arg(config)
            .args(["-bdf", "-q1s"])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::start(&mut command);
        await_listener(address);
        Self {
            address,
            _process: process,
            directory,
        }
    }

    /// Waits until a line of the log has all of these words.
    pub(super) fn await_line(&self, words: &[&str]) {
        let says = || {
            let log = self.log();
            log.lines()
                .any(|line| words.iter().all(|word| line.contains(word)))
        };
        let is_said = comes_within(Duration::from_secs(30), says);
        assert!(is_said, "{words:?} in:\n{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("mainlog")).unwrap_or_default()
    }
}
