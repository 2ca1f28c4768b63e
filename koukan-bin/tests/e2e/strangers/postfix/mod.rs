//! Postfix: a separate instance in a temporary directory.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;

use super::site::{PASSWORD, Site, USER};
use crate::{
    peers::{peer, run},
    process::{Process, await_listener, eventually, free_address},
};

const DAEMONS: &str = "/usr/lib/postfix/sbin";

/// A running Postfix, which passes on everything that it accepts.
pub(super) struct Postfix {
    pub(super) address: SocketAddr,
    process: Process,
    directory: TempDir,
}

impl Postfix {
    /// Starts one that accepts everything, and passes it on over TLS with a verified certificate,
    /// as a user who authenticates by that mechanism.
    pub(super) fn client(site: &Site, relay: SocketAddr, mechanism: &str) -> Self {
        let ca = site.shown("ca.pem");
        let more = format!(
            "mynetworks = 127.0.0.0/8\n\
             smtp_tls_security_level = secure\n\
             smtp_tls_secure_cert_match = hostname\n\
             smtp_tls_CAfile = {ca}\n\
             smtp_sasl_auth_enable = yes\n\
             smtp_sasl_security_options = noanonymous\n\
             smtp_sasl_mechanism_filter = {mechanism}\n\
             smtp_sasl_password_maps = inline:{{ {{ [localhost]:{port} = {USER}:{PASSWORD} }} }}\n",
            port = relay.port()
        );
        Self::start(relay, &more, mechanism)
    }

    /// Starts one that accepts mail only from users, over TLS, who authenticate by that mechanism.
    /// It notifies senders itself that it has relayed their mail.
    pub(super) fn server(site: &Site, relay: SocketAddr, mechanism: &str) -> Self {
        Self::serve(site, relay, mechanism, "smtp_discard_ehlo_keywords = dsn\n")
    }

    /// Like [`Postfix::server`], but it passes requests for notifications on to servers that offer
    /// DSN.
    pub(super) fn that_passes_dsn_on(site: &Site, relay: SocketAddr, mechanism: &str) -> Self {
        Self::serve(site, relay, mechanism, "")
    }

    /// Like [`Postfix::server`], with TLS from the first octet on.
    pub(super) fn server_at_once(site: &Site, relay: SocketAddr) -> Self {
        let more = "smtpd_tls_wrappermode = yes\nsmtpd_tls_loglevel = 1\n";
        Self::serve(site, relay, "PLAIN", more)
    }

    fn serve(site: &Site, relay: SocketAddr, mechanism: &str, more: &str) -> Self {
        let (certificate, key) = (site.shown("mx.pem"), site.shown("mx.key"));
        let more = format!(
            "mynetworks =\n\
             smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
             smtpd_tls_security_level = encrypt\n\
             smtpd_tls_chain_files = {key}, {certificate}\n\
             smtpd_sasl_auth_enable = yes\n{more}"
        );
        Self::start(relay, &more, mechanism)
    }

    /// Starts one that accepts everything, and delivers it by LMTP to the Unix socket at that path.
    pub(super) fn lmtp_client(socket: &Path) -> Self {
        let more = format!(
            "mynetworks = 127.0.0.0/8\n\
             relayhost =\n\
             default_transport = lmtp:unix:{}\n\
             lmtp_destination_recipient_limit = 10\n",
            socket.display()
        );
        // Nobody listens there, and it is never used.
        Self::start(free_address(), &more, "PLAIN")
    }

    /// Starts one that accepts mail only for these addresses of one domain, and passes it on.
    pub(super) fn mailboxes(relay: SocketAddr, domain: &str, addresses: &[&str]) -> Self {
        let listed = addresses
            .iter()
            .map(|address| format!("{{ {address} = ok }}"));
        let listed: Vec<_> = listed.collect();
        let more = format!(
            "mynetworks =\n\
             relay_domains = {domain}\n\
             relay_recipient_maps = inline:{{ {} }}\n\
             smtpd_relay_restrictions = reject_unauth_destination\n\
             smtpd_recipient_restrictions = reject_unlisted_recipient\n",
            listed.join(", ")
        );
        // Nobody authenticates.
        Self::start(relay, &more, "PLAIN")
    }

    /// Starts one that does not offer 8BITMIME, and passes on everything unchanged.
    pub(super) fn of_ascii(relay: SocketAddr) -> Self {
        let more = "mynetworks = 127.0.0.0/8\n\
                    smtpd_discard_ehlo_keywords = 8bitmime\n\
                    disable_mime_output_conversion = yes\n";
        Self::start(relay, more, "PLAIN")
    }

    /// How many lines of the log have all of these words.
    pub(super) fn lines(&self, words: &[&str]) -> usize {
        let log = self.log();
        let says = |line: &&str| words.iter().all(|word| line.contains(word));
        log.lines().filter(says).count()
    }

    fn start(relay: SocketAddr, more: &str, mechanism: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let folder = directory.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        for (name, text) in [
            ("main.cf", include_str!("main.cf")),
            ("master.cf", include_str!("master.cf")),
        ] {
            let text = text
                .replace("FOLDER", &folder.display().to_string())
                .replace("DAEMONS", DAEMONS)
                .replace("RELAY", &relay.port().to_string())
                .replace("LISTEN", &address.to_string());
            let more = if name == "main.cf" { more } else { "" };
            fs::write(folder.join(name), text + more).unwrap();
        }
        for name in ["queue", "data", "sasl"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let database = folder.join("sasldb");
        let sasl = format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: {mechanism}\n",
            database.display()
        );
        fs::write(folder.join("sasl/smtpd.conf"), sasl).unwrap();
        know_user(&database);
        let owned = [folder.join("data"), database];
        run(peer("chown").arg("postfix").args(&owned));
        // Postfix wants root to do this.
        run(peer("postfix").arg("-c").arg(folder).arg("check"));
        let master = Path::new(DAEMONS).join("master");
        let mut command = std::process::Command::new(master);
        command.arg("-c").arg(folder).arg("-s");
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command);
        await_listener(address);
        Self {
            address,
            process,
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
        let is_said = crate::process::comes_within(Duration::from_secs(30), says);
        assert!(is_said, "{words:?} in:\n{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The master process ends the processes that it has started.
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(20));
    }
}

/// Makes a database with one user.
fn know_user(database: &PathBuf) {
    let mut command = peer("saslpasswd2");
    command
        .args(["-c", "-p", "-u", "postfix.example", "-f"])
        .arg(database)
        .arg(USER)
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, PASSWORD.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    eventually(Duration::from_secs(10), || database.exists());
}
