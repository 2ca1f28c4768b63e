//! Dovecot's LMTP server, with its mailboxes in a temporary directory.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    peers::{peer, run},
    process::{Process, await_listener, comes_within, free_address},
};

const CONFIG: &str = r#"
protocols = lmtp
base_dir = DIRECTORY/run
state_dir = DIRECTORY/state
log_path = DIRECTORY/log
ssl = no
mail_location = maildir:~/mail
mail_home = DIRECTORY/home/%u
default_vsz_limit = 512M
INTERNAL
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = PORT
  }
  unix_listener DIRECTORY/lmtp {
    mode = 0666
  }
}
service anvil {
  chroot =
}
passdb {
  driver = static
}
userdb {
  driver = passwd-file
  args = DIRECTORY/users
}
protocol lmtp {
  mail_plugins = quota
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
"#;

/// A running server.
pub(crate) struct Dovecot {
    pub(crate) address: SocketAddr,
    process: Process,
    directory: TempDir,
}

impl Dovecot {
    /// Starts one with these mailboxes, and with others that are full.
    pub(crate) fn start(users: &[&str], full: &[&str]) -> Self {
        let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
        let at = directory.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
        let (id, group) = (id("-u"), id("-g"));
        let (owner, internal) = match id.as_str() {
            // Dovecot does not deliver mail to root.
            "0" => ("65534:65534".to_owned(), "first_valid_uid = 1".to_owned()),
            _ => {
                let (user, group_name) = (self::id("-un"), self::id("-gn"));
                let internal = format!(
                    "default_internal_user = {user}\ndefault_internal_group = {group_name}\n\
                     default_login_user = {user}\nfirst_valid_uid = {id}\nfirst_valid_gid = {group}"
                );
                (format!("{id}:{group}"), internal)
            }
        };
        let mut entries = String::new();
        for (names, quota) in [(users, ""), (full, "userdb_quota_rule=*:bytes=10")] {
            for name in names {
                entries.push_str(&format!("{name}::{owner}::::{quota}\n"));
            }
        }
        fs::write(at.join("users"), entries).unwrap();
        let home = at.join("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
        let config = CONFIG
            .replace("DIRECTORY", &at.display().to_string())
            .replace("INTERNAL", &internal)
            .replace("PORT", &address.port().to_string());
        let path = at.join("dovecot.conf");
        fs::write(&path, config).unwrap();
        let mut dovecot = peer("dovecot");
        dovecot.arg("-F").arg("-c").arg(path).stderr(Stdio::null());
        let process = Process::start(&mut dovecot);
        await_listener(address);
        Self {
            address,
            process,
            directory,
        }
    }

    /// The Unix socket on which it listens, too.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("lmtp")
    }

    /// How many messages are in a mailbox.
    pub(crate) fn messages(&self, name: &str) -> usize {
        self.files(name).len()
    }

    /// The only message in a mailbox.
    pub(crate) fn only_message(&self, name: &str) -> String {
        let comes = comes_within(Duration::from_secs(30), || self.messages(name) > 0);
        let files = self.files(name);
        assert!(
            comes && files.len() == 1,
            "{name}: {files:?}\n{}",
            self.log()
        );
        fs::read_to_string(&files[0]).unwrap()
    }

    fn files(&self, name: &str) -> Vec<PathBuf> {
        let folder = self
            .directory
            .path()
            .join("home")
            .join(name)
            .join("mail/new");
        match fs::read_dir(folder) {
            Ok(files) => files.map(|file| file.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(Path::new(self.directory.path()).join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    /// Its processes end with the master process.
    fn drop(&mut self) {
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(30));
    }
}

fn id(what: &str) -> String {
    run(peer("id").arg(what)).trim().to_owned()
}
