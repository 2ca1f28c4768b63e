//! A DNS server that has some records, and answers that no other names exist.

use std::{fs, net::SocketAddr};

use tempfile::TempDir;

use crate::{
    peers::peer,
    process::{Process, await_listener, free_address},
};

/// unbound, without access to other servers.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Dns {
    /// Serves these records, written as in a zone file.
    pub(crate) fn serve(records: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let records: String = records
            .iter()
            .map(|record| format!("  local-data: '{record}'\n"))
            .collect();
        let config = format!(
            r#"
server:
  interface: {}@{}
  verbosity: 0
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "{}"
  pidfile: ""
  module-config: "iterator"
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  local-zone: "." static
{records}remote-control:
  control-enable: no
"#,
            address.ip(),
            address.port(),
            directory.path().display(),
        );
        let path = directory.path().join("unbound.conf");
        fs::write(&path, config).unwrap();
        let process = Process::start(peer("unbound").arg("-d").arg("-c").arg(path));
        await_listener(address);
        Self {
            address,
            _process: process,
            _directory: directory,
        }
    }
}
