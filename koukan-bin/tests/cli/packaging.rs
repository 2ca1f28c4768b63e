//! The contents of `deploy`.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use super::*;

const USER: u32 = 65532;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(super) fn python() -> Command {
    let folder = env::var_os("KOUKAN_PEERS").map_or_else(|| "target/peers".into(), PathBuf::from);
    let python = root().join(folder).join("venv/bin/python");
    assert!(
        python.exists(),
        "{} is missing; run scripts/install-test-peers",
        python.display()
    );
    Command::new(python)
}

/// The faults of the manifests in a folder.
fn wrong(folder: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/manifests.py");
    let output = python().arg(script).arg(folder).output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.success(), told.trim().is_empty(), "{told}");
    told
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn manifests_are_as_the_schemas_of_kubernetes_say() {
    assert_eq!(wrong(&root().join("deploy/kubernetes")).trim(), "");
}

#[test]
fn what_is_wrong_with_a_manifest_is_found() {
    for (file, from, to, told) in [
        (
            "overlays/gateway/deployment.yaml",
            "replicas: 2",
            "replicas: two",
            "'two' is not of type",
        ),
        (
            "overlays/router/stateful-set.yaml",
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: false",
            "may do too much",
        ),
        (
            "overlays/router/service.yaml",
            "component: router }\n  ports",
            "component: ruoter }\n  ports",
            "selects no pod",
        ),
        (
            "overlays/gateway/kustomization.yaml",
            "  - service.yaml\n",
            "",
            "service.yaml is left out",
        ),
        (
            "base/network-policy.yaml",
            "podSelector: {}",
            "podSelectors: {}",
            "Additional properties",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("deploy/kubernetes"), folder.path());
        let file = folder.path().join(file);
        let manifest = fs::read_to_string(&file).unwrap();
        assert!(manifest.contains(from), "{from}");
        fs::write(&file, manifest.replacen(from, to, 1)).unwrap();
        let found = wrong(folder.path());
        assert!(found.contains(told), "{to}: {found}");
    }
}

/// A configuration from `deploy`, with its files and queue in a folder.
fn config(file: &str, folder: &Path) -> String {
    let secrets = folder.join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    for token in ["gateway-token", "router-token", "postgres-password"] {
        fs::write(secrets.join(token), "a-token-of-a-test\n").unwrap();
    }
    let mut command = Command::new("openssl");
    let (certificate, key) = (secrets.join("tls.crt"), secrets.join("tls.key"));
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    command.args([
        "-subj",
        "/CN=mail.example.com",
        "-addext",
        "subjectAltName=DNS:mail.example.com",
    ]);
    let made = command.arg("-keyout").arg(key).arg("-out").arg(certificate);
    assert!(made.output().unwrap().status.success());
    let config = fs::read_to_string(root().join("deploy/kubernetes/overlays").join(file)).unwrap();
    config
        .replace("/etc/koukan/secrets", &secrets.display().to_string())
        .replace("/var/lib/koukan", &folder.join("lib").display().to_string())
}

#[test]
fn configurations_are_fine() {
    for file in [
        "router/router.yaml",
        "router-postgres/router.yaml",
        "gateway/gateway.yaml",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("koukan.yaml");
        let config = config(file, folder.path());
        // If the hashes are not replaced, nobody can log in.
        let hashes: Vec<_> = config.split("sha256: \"").skip(1).collect();
        let of_nobody = "0".repeat(32);
        assert!(!hashes.is_empty() && hashes.iter().all(|hash| hash.starts_with(&of_nobody)));
        fs::write(&path, config).unwrap();
        let output = koukan(&["check", &path.display().to_string()]);
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "{file}: {told}");
    }
}

#[test]
fn the_unit_is_understood_and_exposes_little() {
    let folder = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(root().join("deploy/systemd/koukan.service")).unwrap();
    // systemd's own limit is five starts in ten seconds, and then the unit stays down.
    assert!(unit.contains("\nStartLimitIntervalSec=0\n"));
    let path = folder.path().join("koukan.service");
    fs::write(
        &path,
        unit.replace("/usr/local/bin/koukan", env!("CARGO_BIN_EXE_koukan")),
    )
    .unwrap();
    let mut verify = Command::new("systemd-analyze");
    let output = verify
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    let socket = folder.path().join("koukan.socket");
    fs::copy(root().join("deploy/systemd/koukan.socket"), &socket).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let output = verify
        .args(["verify", "--man=no"])
        .args([&socket, &path])
        .output()
        .unwrap();
    let told = told + &text(&output.stdout) + &text(&output.stderr);
    // The other units do not exist here.
    let about: Vec<_> = told
        .lines()
        .filter(|line| line.contains("koukan.service") || line.contains("koukan.socket"))
        .collect();
    assert!(about.is_empty(), "{about:?}");

    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=true", "--no-pager", "--threshold=20"]);
    let output = security.arg(&path).output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{told}");
}

/// An agent that is killed if the test fails.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Agent {
    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &self.0.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// The address on which it listens for HTTP, according to its log.
    fn rest_address(&mut self) -> String {
        let mut log = BufReader::new(self.0.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = loop {
            let Some(line) = log.next() else {
                panic!("it ended: {said}");
            };
            let line = line.unwrap();
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["message"] == "listening" {
                break entry["rest"][0].as_str().unwrap().to_owned();
            }
            said += &(line + "\n");
        };
        // The output is read to its end, so that the agent never waits for a reader.
        thread::spawn(move || log.for_each(drop));
        address
    }
}

/// The status of the answer, if there is one.
fn status(url: &str) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--max-time",
        "5",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ]);
    let output = curl.arg(url).output().unwrap();
    output.status.success().then(|| text(&output.stdout))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("not {what}");
}

/// Makes a root file system that is read-only except for the queue, and starts the agent there as a user
/// without privileges. The new root is a folder of its own, because the root of a process cannot be a mount point here.
const IN_A_CONTAINER: &str = r#"
    set -e
    mount --rbind / "$ROOT"
    mount -o remount,bind,ro "$ROOT"
    # What is mounted below it and holds the folder.
    below=$(findmnt --noheadings --output TARGET --target "$ROOT$OUTSIDE")
    [ "$below" = "$ROOT" ] || mount -o remount,bind,ro "$below"
    mount --bind "$LIB" "$ROOT$LIB"
    exec chroot "$ROOT" sh -c '
        cd /
        ! touch "$OUTSIDE/written" 2> /dev/null || exit 1
        exec setpriv $AS --no-new-privs --bounding-set=-all --inh-caps=-all "$KOUKAN" run --config "$CONFIG"
    '
"#;

/// Starts the agent as the manifests start a container. Then ends it as Kubernetes does: the agent gets the signal, and
/// clients still come for a while.
#[test]
fn runs_under_the_restrictions_of_a_container() {
    let folder = tempfile::tempdir().unwrap();
    let (lib, root) = (folder.path().join("lib"), folder.path().join("root"));
    fs::create_dir(&lib).unwrap();
    fs::create_dir(&root).unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let config = config("router/router.yaml", folder.path());
    assert!(config.contains("0.0.0.0:8000"));
    let path = folder.path().join("koukan.yaml");
    fs::write(&path, config.replace("0.0.0.0:8000", "127.0.0.1:0")).unwrap();

    let is_root = text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0";
    let (own, user) = match is_root {
        true => {
            chown(&lib, Some(USER), Some(USER)).unwrap();
            (
                vec![],
                format!("--reuid {USER} --regid {USER} --clear-groups"),
            )
        }
        false => (vec!["--user", "--map-root-user"], String::new()),
    };
    let mut command = Command::new("unshare");
    command
        .args(own)
        .args(["--mount", "--propagation", "private"]);
    command
        .args(["sh", "-c", IN_A_CONTAINER])
        .env("LIB", &lib)
        .env("ROOT", &root)
        .env("AS", user);
    command.env("OUTSIDE", folder.path()).env("CONFIG", &path);
    command
        .env("KOUKAN", env!("CARGO_BIN_EXE_koukan"))
        .stderr(Stdio::piped());
    let mut agent = Agent(command.spawn().unwrap());
    let address = agent.rest_address();

    let ready = format!("http://{address}/readyz");
    until("ready", || status(&ready).as_deref() == Some("200"));
    assert!(lib.join("queue.sqlite").exists());
    assert!(!folder.path().join("written").exists());
    // Capabilities that were dropped cannot be regained.
    let of_process = fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    for rights in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(
            of_process.contains(&format!("{rights}:\t0000000000000000")),
            "{of_process}"
        );
    }
    assert!(of_process.contains("NoNewPrivs:\t1"), "{of_process}");

    agent.signal("TERM");
    until("unready", || status(&ready).as_deref() == Some("503"));
    // Endpoints are removed late: requests until then are answered.
    assert_eq!(
        status(&format!("http://{address}/healthz")).as_deref(),
        Some("200")
    );
    // The agent ends within the grace period of Kubernetes.
    until("ended", || agent.0.try_wait().unwrap().is_some());
    let ended = agent.0.wait().unwrap();
    assert!(ended.success(), "{ended}");
}
