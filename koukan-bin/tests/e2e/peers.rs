//! Programs from other projects.

use std::{env, path::PathBuf, process::Command};

/// A command of a peer, which `scripts/install-test-peers` installs.
pub(crate) fn peer(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/bin"];
    let path = folders
        .iter()
        .map(|folder| PathBuf::from(folder).join(name));
    let Some(path) = path.into_iter().find(|path| path.exists()) else {
        panic!("{name} is not installed; run scripts/install-test-peers");
    };
    Command::new(path)
}

/// A command of Python's virtual environment, which `scripts/install-test-peers` makes.
pub(crate) fn python_peer(name: &str) -> Command {
    Command::new(installed(&format!("venv/bin/{name}")))
}

/// A command of a package of npm, which `scripts/install-test-peers` installs.
pub(crate) fn node_peer(name: &str) -> Command {
    Command::new(installed(&format!("node/node_modules/.bin/{name}")))
}

/// The directory of the npm packages.
pub(crate) fn node_modules() -> PathBuf {
    installed("node/node_modules")
}

/// A file below the directory of the peers that no package manager installs.
pub(crate) fn installed(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = env::var_os("KOUKAN_PEERS").map_or_else(|| "target/peers".into(), PathBuf::from);
    let path = root.join(folder).join(name);
    assert!(
        path.exists(),
        "{} is missing; run scripts/install-test-peers",
        path.display()
    );
    path
}

/// Runs a command to its end and returns its output; it must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{out}\n{err}");
    out
}
