//! Milters, which check or sign messages for Postfix.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    thread::{available_parallelism, sleep},
    time::Duration,
};

use crate::{
    Failed,
    agent::make_key,
    process::{Process, await_listener, children, free_address, signal},
};

const OPENDKIM: &str = "/usr/sbin/opendkim";
const RSPAMD: &str = "/usr/bin/rspamd";

/// A running Milter server.
pub(super) struct Milter {
    process: Process,
    address: SocketAddr,
}

impl Milter {
    /// OpenDKIM, which signs with a key of the same kind as the agent's.
    pub(super) fn opendkim(folder: &Path) -> Result<Self, Failed> {
        let address = free_address()?;
        let key = make_key(folder)?;
        let text = include_str!("opendkim.conf")
            .replace("PORT", &address.port().to_string())
            .replace("HOST", &address.ip().to_string())
            .replace("KEY", &key.display().to_string());
        let config = folder.join("opendkim.conf");
        fs::write(&config, text)?;
        let mut command = Command::new(OPENDKIM);
        command.arg("-f").arg("-x").arg(config);
        Self::start(command, address)
    }

    /// rspamd, which checks messages with SPF, DKIM and DMARC through that DNS server.
    pub(super) fn rspamd(folder: &Path, dns: SocketAddr) -> Result<Self, Failed> {
        let address = free_address()?;
        let own = folder.join("rspamd");
        fs::create_dir(&own)?;
        // It may run as another user.
        fs::set_permissions(&own, Permissions::from_mode(0o777))?;
        let cores = available_parallelism()?;
        let text = include_str!("rspamd.conf")
            .replace("FOLDER", &own.display().to_string())
            .replace("ADDRESS", &address.to_string())
            .replace("SERVER", &dns.to_string())
            .replace("COUNT", &cores.to_string());
        // The list that comes with rspamd takes long to read, and no name is looked up in it.
        fs::write(own.join("tlds"), "com\norg\n")?;
        let config = own.join("rspamd.conf");
        fs::write(&config, text)?;
        let mut command = Command::new(RSPAMD);
        command.args(["-f", "-i", "-c"]).arg(config);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: SocketAddr) -> Result<Self, Failed> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Process::start(&mut command)?;
        let milter = Self { process, address };
        await_listener(address)?;
        Ok(milter)
    }

    /// Its address in Postfix' notation.
    pub(super) fn service(&self) -> String {
        format!("inet:{}:{}", self.address.ip(), self.address.port())
    }

    /// Its processes.
    pub(super) fn processes(&self) -> Vec<u32> {
        let mut processes = children(self.process.id());
        processes.push(self.process.id());
        processes
    }
}

impl Drop for Milter {
    fn drop(&mut self) {
        // SIGTERM ends its child processes too; SIGKILL would leave them running.
        signal(self.process.id(), "TERM");
        for _ in 0..1000 {
            if !matches!(self.process.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        for process in self.processes() {
            signal(process, "KILL");
        }
    }
}
