//! What signs for Postfix.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Failed,
    agent::make_key,
    process::{Process, await_listener, free_address},
};

const OPENDKIM: &str = "/usr/sbin/opendkim";

/// A running OpenDKIM, which signs with a key of its own of the kind that the agent has.
pub(super) struct OpenDkim {
    process: Process,
    address: SocketAddr,
}

impl OpenDkim {
    pub(super) fn start(folder: &Path) -> Result<Self, Failed> {
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
        command.stdin(Stdio::null());
        let process = Process::start(&mut command)?;
        await_listener(address)?;
        Ok(Self { process, address })
    }

    /// Where it listens, as Postfix wants to have it.
    pub(super) fn service(&self) -> String {
        format!("inet:{}:{}", self.address.ip(), self.address.port())
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}
