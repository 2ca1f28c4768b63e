//! A PostgreSQL server for the tests, from the installed programs.
//!
//! It listens on a Unix socket in a directory of its own and runs as an unprivileged user. It ends with
//! the process that started it, however that ends, since a shell waits for the end of a pipe. Where no
//! server is installed, the test fails.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Starts the server, waits until it is told to end or its parent is gone, and stops it.
const WATCH: &str = r#"
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 -o "$3" start >"$2/start" 2>&1 || { cat "$2/start" "$2/log" >&2; exit 1; }
echo ready
read -r ending
"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1
[ "$ending" = keep ] || rm -rf "$2"
echo ended
"#;

/// The user of the databases.
const USER: &str = "koukan";

/// How much of a crash of the machine the server is to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// What is committed is on the medium.
    Full,
    /// Nothing: most tests are not about that.
    None,
}

/// A server that runs.
pub(crate) struct Server {
    directory: PathBuf,
    durability: Durability,
    settings: String,
    port: u16,
    running: Option<Running>,
}

struct Running {
    shell: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
}

/// The server that the tests of this binary share.
static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(Durability::None));
static DATABASES: AtomicUsize = AtomicUsize::new(0);
static PORTS: AtomicUsize = AtomicUsize::new(0);

/// The URL of an empty database on the server that the tests of this binary share.
pub(crate) fn database() -> String {
    SHARED.database()
}

impl Server {
    pub(crate) fn start(durability: Durability) -> Self {
        Self::start_with(durability, "")
    }

    /// With settings of its own, as on the command line.
    pub(crate) fn start_with(durability: Durability, settings: &str) -> Self {
        let mut server = Self::initialize(durability, settings.to_owned());
        server.restart();
        server
    }

    /// One that asks this user for a password.
    pub(crate) fn start_with_password_of(user: &str) -> Self {
        let mut server = Self::initialize(Durability::None, String::new());
        let file = server.directory.join("data/pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("local all {user} scram-sha-256\n{rules}")).unwrap();
        server.restart();
        server
    }

    /// At a port of 127.0.0.1, too, with TLS by a certificate and its key, which are files in PEM.
    pub(crate) fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let port = free_port();
        let settings = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
        let mut server = Self::initialize(Durability::None, settings);
        server.port = port;
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let file = server.directory.join("data").join(name);
            fs::copy(from, &file).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = unprivileged() {
                chown(&file, Some(user), Some(group)).unwrap();
            }
        }
        server.restart();
        server
    }

    /// With an empty cluster, and not yet running.
    fn initialize(durability: Durability, settings: String) -> Self {
        let directory = own_directory();
        let mut initdb = Command::new(programs().join("initdb"));
        let data = directory.join("data");
        initdb
            .arg("-D")
            .arg(&data)
            .args(["-U", USER, "-A", "trust"]);
        initdb.args(["--no-sync", "-E", "UTF8", "--locale=C"]);
        succeed(demoted(&mut initdb, &directory));
        Self {
            directory,
            durability,
            settings,
            port: 5432,
            running: None,
        }
    }

    /// A copy of it as it is now, which follows it from then on as a standby.
    pub(crate) fn standby(&self) -> Self {
        let directory = own_directory();
        let mut copying = Command::new(programs().join("pg_basebackup"));
        copying.arg("-D").arg(directory.join("data"));
        copying.arg("-h").arg(&self.directory).args(["-U", USER]);
        copying.args(["-c", "fast", "-X", "stream", "-R", "--no-sync"]);
        succeed(demoted(&mut copying, &directory));
        let mut standby = Self {
            directory,
            durability: self.durability,
            settings: self.settings.clone(),
            port: self.port,
            running: None,
        };
        standby.restart();
        standby
    }

    /// Makes commits wait for a standby that does not exist. Only with [`Durability::Full`].
    pub(crate) fn hold_commits(&self) {
        self.set_standby("nobody");
    }

    /// Waits until a commit is written and waits for that standby.
    pub(crate) fn await_held_commit(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        while self.execute("postgres", waiting).trim() == "0" {
            std::thread::yield_now();
        }
    }

    /// Commits wait for no standby any more.
    pub(crate) fn release_commits(&self) {
        self.set_standby("");
    }

    fn set_standby(&self, name: &str) {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
        self.execute("postgres", &set);
        self.execute("postgres", "SELECT pg_reload_conf()");
        while self
            .execute("postgres", "SHOW synchronous_standby_names")
            .trim()
            != name
        {
            std::thread::yield_now();
        }
    }

    /// Makes a standby a server of its own.
    pub(crate) fn promote(&self) {
        let mut promoting = Command::new(programs().join("pg_ctl"));
        promoting.arg("-D").arg(self.directory.join("data"));
        promoting.args(["-w", "-t", "60", "promote"]);
        succeed(demoted(&mut promoting, &self.directory));
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join(format!(".s.PGSQL.{}", self.port))
    }

    /// The first of its processes, of which all others are children.
    pub(crate) fn process(&self) -> u32 {
        let file = self.directory.join("data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Starts it again on what is there.
    pub(crate) fn restart(&mut self) {
        let directory = self.directory.display();
        let mut options =
            format!("-c listen_addresses='' -c unix_socket_directories='{directory}'");
        options += " -c max_connections=300 -c shared_buffers=32MB";
        // A standby is not without its server for longer than that is away.
        options += " -c wal_retrieve_retry_interval=200ms";
        if self.durability == Durability::None {
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
        }
        options = options + " " + &self.settings;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", WATCH, "watch"])
            .arg(programs())
            .arg(&self.directory)
            .arg(options);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = demoted(&mut shell, &self.directory).spawn().unwrap();
        let stdin = shell.stdin.take().unwrap();
        let mut stdout = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL did not start");
        self.running = Some(Running {
            shell,
            stdin,
            stdout,
        });
    }

    /// Ends it at once, as a crash would; what is on the medium stays.
    pub(crate) fn crash(&mut self) {
        self.end("keep");
    }

    fn end(&mut self, ending: &str) {
        use std::io::Write as _;
        let Some(mut running) = self.running.take() else {
            return;
        };
        let _ = writeln!(running.stdin, "{ending}");
        drop(running.stdin);
        let mut line = String::new();
        let _ = running.stdout.read_line(&mut line);
        let _ = running.shell.wait();
    }

    /// The URL of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Executes a statement with the server's own client.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> String {
        execute(&self.url(database), sql)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{socket}:{}/{database}", self.port)
    }

    /// The URL of a database by way of the port, by a name of this host.
    pub(crate) fn url_by_host(&self, host: &str, database: &str) -> String {
        format!("postgres://{USER}@{host}:{}/{database}", self.port)
    }
}

/// Executes a statement in a database with the server's own client; what it gives, a row a line.
pub(crate) fn execute(url: &str, sql: &str) -> String {
    let mut psql = Command::new(programs().join("psql"));
    psql.args([
        url,
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
    ]);
    let done = psql.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{sql}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end("remove");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port that nobody listens on, below those that the system gives to connections of its own accord: one of those
/// may be taken before the server is there.
fn free_port() -> u16 {
    loop {
        let number = PORTS.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() as usize * 103 + number) % 22_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A directory that the server may write to.
pub(crate) fn own_directory() -> PathBuf {
    let directory = tempfile::Builder::new().prefix("koukan-pg").tempdir();
    let directory = directory.unwrap().keep();
    if let Some((user, group)) = unprivileged() {
        chown(&directory, Some(user), Some(group)).unwrap();
    }
    directory
}

fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
}

/// A program that comes with the server.
pub(crate) fn program(name: &str) -> PathBuf {
    programs().join(name)
}

/// The directory of the newest server that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.flatten().filter_map(|entry| {
        let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let found = versions
        .filter(|(_, path)| path.join("initdb").exists())
        .max();
    found
        .expect("PostgreSQL's server is installed: apt-get install postgresql")
        .1
}

/// The user under which the server runs, where this process is root's: it refuses to be.
fn unprivileged() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
        Some((ids.next()?, ids.next()?))
    };
    Some(
        of("postgres")
            .or_else(|| of("nobody"))
            .expect("a user other than root"),
    )
}

pub(crate) fn demoted<'c>(command: &'c mut Command, directory: &Path) -> &'c mut Command {
    if let Some((user, group)) = unprivileged() {
        command.gid(group).uid(user);
    }
    // Of a group of its own, so that what ends the test from a terminal leaves the end to the shell.
    command.current_dir(directory).process_group(0)
}
