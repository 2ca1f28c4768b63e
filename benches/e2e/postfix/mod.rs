//! Postfix in place of the agent, for comparison: a separate instance with its durable queue, in a
//! temporary directory.

mod milter;
mod routes;
mod tls;

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    Failed,
    dns::{Dns, Zone},
    process::{
        Process, await_listener, children, complete, cpu_seconds_with_ended, free_address,
        resident_mib, signal,
    },
    server::{Entry, Server},
    tls::{Handshakes, Identity},
};

use self::milter::Milter;

const POSTFIX: &str = "/usr/sbin/postfix";
const DAEMONS: &str = "/usr/lib/postfix/sbin";

/// What Postfix has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// It relays.
    Relay,
    /// It lets OpenDKIM sign messages.
    Sign,
    /// It lets rspamd check messages with SPF, DKIM and DMARC.
    Check,
    /// It looks up hosts in the DNS.
    Route,
}

/// How Postfix is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) job: Job,
    /// TLS on both sides.
    pub(crate) tls: Option<(&'a Identity, Handshakes)>,
    /// The records of the DNS.
    pub(crate) zone: &'a Arc<Zone>,
    /// A server with these records.
    pub(crate) dns: SocketAddr,
}

/// A running Postfix.
pub(crate) struct Postfix {
    master: Process,
    /// The Milter that it uses.
    milter: Option<Milter>,
    address: SocketAddr,
    _dns: Option<Dns>,
    _directory: TempDir,
}

impl Postfix {
    /// Whether Postfix is installed and may be started; it must be started by root.
    pub(crate) fn is_possible() -> bool {
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        is_root && Path::new(POSTFIX).exists() && Path::new(DAEMONS).join("master").exists()
    }

    pub(crate) fn start(setup: Setup<'_>, sink: SocketAddr) -> Result<Self, Failed> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let folder = directory.path();
        // Its processes run as another user.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        let milter = match setup.job {
            Job::Relay | Job::Route => None,
            Job::Sign => Some(Milter::opendkim(folder)?),
            Job::Check => Some(Milter::rspamd(folder, setup.dns)?),
        };
        let routes = match setup.job {
            Job::Relay | Job::Sign | Job::Check => routes::fixed(sink),
            Job::Route => routes::by_domain(sink),
        };
        let milters = milter.as_ref().map(Milter::service);
        for (name, text) in [
            ("main.cf", include_str!("main.cf")),
            ("master.cf", include_str!("master.cf")),
        ] {
            let text = text
                .replace("TLS", &setup.tls.map(tls::settings).unwrap_or_default())
                .replace("MILTERS", &milters.clone().unwrap_or_default())
                .replace("FOLDER", &folder.display().to_string())
                .replace("DAEMONS", DAEMONS)
                .replace("ROUTES", &routes)
                .replace("LISTEN", &address.to_string());
            fs::write(folder.join(name), text)?;
        }
        fs::create_dir(folder.join("queue"))?;
        fs::create_dir(folder.join("data"))?;
        let data = folder.join("data");
        complete(Command::new("chown").arg("postfix").arg(data))?;
        complete(Command::new(POSTFIX).arg("-c").arg(folder).arg("check"))?;
        let mut command = Command::new(Path::new(DAEMONS).join("master"));
        command.arg("-c").arg(folder).arg("-s");
        let mut dns = None;
        if setup.job == Job::Route {
            let (alone, server) = routes::with_resolver(&command, setup.zone, folder)?;
            command = alone;
            dns = Some(server);
        }
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let master = Process::start(&mut command)?;
        await_listener(address)?;
        Ok(Self {
            master,
            milter,
            address,
            _dns: dns,
            _directory: directory,
        })
    }

    fn processes(&self) -> Vec<u32> {
        let mut processes = children(self.master.id());
        processes.push(self.master.id());
        processes.extend(self.milter.iter().flat_map(Milter::processes));
        processes
    }
}

impl Server for Postfix {
    fn address(&self, _: Entry) -> SocketAddr {
        self.address
    }

    /// For all processes together, since processes come and go.
    fn cpu_seconds(&self) -> Vec<f64> {
        let processes = self.processes().into_iter();
        vec![processes.map(cpu_seconds_with_ended).sum()]
    }

    /// For the processes that run now; shared memory is counted for each.
    fn memory_mib(&self) -> Vec<f64> {
        let each = self.processes().into_iter().map(resident_mib);
        each.map(|(resident, _)| resident).collect()
    }

    fn proportional_mib(&self) -> Option<f64> {
        let each = self.processes().into_iter().map(resident_mib);
        Some(each.map(|(_, proportional)| proportional).sum())
    }

    fn retries_soon(&self) -> bool {
        false
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // It ends its child processes.
        signal(self.master.id(), "TERM");
        for _ in 0..100 {
            if !matches!(self.master.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}
