//! An agent with certificates and users, and what its peers need to know about them.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use koukan_core::test_util::Authority;
use tempfile::TempDir;

use crate::{
    auth::line_of,
    process::{Process, await_listeners, free_address},
};

/// A directory of files that both sides need: `ca.pem`, `mx.pem` and `mx.key` for `localhost`, and
/// `users` and `password` of [`USER`].
pub(super) struct Site(TempDir);

/// The user as whom everybody authenticates.
pub(super) const USER: &str = "alice";

/// The user's password.
pub(super) const PASSWORD: &str = "pen-cil";

impl Site {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Peers run as other users.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let authority = Authority::new();
        let pem = authority.issue("localhost");
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("mx.pem", pem.certificate),
            ("mx.key", pem.key),
            ("users", line_of(USER, PASSWORD)),
            ("password", PASSWORD.into()),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    pub(super) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    pub(super) fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The endpoint's settings for a host of this site: the authority, and the credentials.
    pub(super) fn endpoint(&self, host: SocketAddr) -> String {
        let (port, ca, password) = (host.port(), self.shown("ca.pem"), self.shown("password"));
        format!(
            "host: [\"localhost:{port}\"], tls: verified, ca_file: \"{ca}\", \
             auth: {{ user: {USER}, password_file: \"{password}\" }}"
        )
    }
}

/// An agent that delivers what comes in on any of its listeners.
pub(super) struct Agent {
    /// Without TLS, from anybody on this host.
    pub(super) open: SocketAddr,
    /// With STARTTLS, only from users.
    pub(super) users: SocketAddr,
    /// With TLS from the first octet on, only from users.
    pub(super) immediate: SocketAddr,
    /// As `users`, behind a load balancer.
    pub(super) proxied: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    /// Starts an agent that delivers through that endpoint.
    pub(super) fn start(site: &Site, endpoint: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [open, users, immediate, proxied] = [(); 4].map(|()| free_address());
        let (certificate, key) = (site.shown("mx.pem"), site.shown("mx.key"));
        let tls =
            format!("tls: {{ certificate: [{{ file: \"{certificate}\", key: \"{key}\" }}] }}");
        let file = site.shown("users");
        let auth = format!("auth: {{ password_file: \"{file}\", required: true }}, {tls}");
        let text = format!(
            r#"
hostname: koukan.example
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - {{ address: "{open}", sender: users }}
  - {{ address: "{users}", sender: users, {auth} }}
  - {{ address: "{immediate}", sender: users, {auth}, tls_mode: immediate }}
  - {{ address: "{proxied}", sender: users, {auth}, proxy_networks: ["127.0.0.0/8"] }}
sender:
  - {{ name: users, chain: users }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: users
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ {endpoint} }} }}
log: {{ level: warn }}
"#
        );
        let process = Process::start_agent(&directory, &text);
        await_listeners([open, users, immediate, proxied]);
        Self {
            open,
            users,
            immediate,
            proxied,
            _process: process,
            _directory: directory,
        }
    }
}
