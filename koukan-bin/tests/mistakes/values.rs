//! Values that are not valid.

use super::*;

#[test]
fn values() {
    told(&[
        (
            HOSTNAME,
            "retry: { min_attempt_time: 5 }\nhostname: a\n",
            "retry:",
            &["not a duration"],
        ),
        (
            HOSTNAME,
            "rest: { max_message_size: 5MB }\nhostname: a\n",
            "rest:",
            &["not a size"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: -1 }\nhostname: a\n",
            "output:",
            &["a whole number"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: many }\nhostname: a\n",
            "output:",
            &["a whole number"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: 0 }\nhostname: a\n",
            "output:",
            &["at least 1"],
        ),
        (
            HOSTNAME,
            "log: { level: loud }\nhostname: a\n",
            "log:",
            &["`loud` is not known here", "`info`"],
        ),
        (
            "smtp: {}",
            "smtp: { downgrade: always }",
            "smtp: { downgrade",
            &["`always` is not known here", "`unsigned`"],
        ),
        (
            "rest: {} }",
            "rest: { gateway: maybe } }",
            "rest: { gateway",
            &["`true` or `false`"],
        ),
        (
            INGRESS,
            "address: \"localhost:1025\"",
            "localhost:1025",
            &["an IP address and a port", "`127.0.0.1:1025`"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1\"",
            "\"127.0.0.1\"",
            &["an IP address and a port"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:70000\"",
            "127.0.0.1:70000",
            &["an IP address and a port"],
        ),
        (
            HOSTNAME,
            "hostname: 127.0.0.1\n",
            "hostname: 127",
            &["is an address", "`[127.0.0.1]`"],
        ),
        (
            HOSTNAME,
            "hostname: \"1\"\n",
            "hostname: \"1",
            &["is a number"],
        ),
        (
            HOSTNAME,
            "rest: { max_wait: 0s }\nhostname: a\n",
            "rest:",
            &["no time at all"],
        ),
        (
            HOSTNAME,
            "rest: { max_message_size: 0B }\nhostname: a\n",
            "rest:",
            &["nothing fits"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025\", command_timeout: 0m",
            "0m",
            &["no time at all"],
        ),
        (
            HOSTNAME,
            "shutdown: { grace: soon }\nhostname: a\n",
            "shutdown:",
            &["not a duration"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025\", greeting_delay: 5m",
            "5m",
            &["no client waits 5m", "greeting_delay: 3s"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025\", max_message_size: 0MiB",
            "0MiB",
            &["nothing fits"],
        ),
        (
            SUBMISSION,
            "      exploder: { policy: submission, sender: outgoing, rcpt_timeout: 0ms }\n",
            "0ms",
            &["no time at all"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: \":memory:\"",
            ":memory:",
            &["not a file", "`storage: memory`"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"mysql://a:secret@b/c\" }",
            "\"mysql:",
            &[
                "not the URL of a PostgreSQL database",
                "postgres://user@host",
            ],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", connections: 1 }",
            "1 }",
            &["two connections at least"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", connections: 100000 }",
            "100000 }",
            &["no server has so many connections", "write 12"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", statement_timeout: 1ms }",
            "1ms }",
            &["some statements take longer", "`1s` at least"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", statement_timeout: 2s, lock_timeout: 2s }",
            "2s }",
            &["exceeded `statement_timeout`"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", lock_timeout: 1h }",
            "1h }",
            &["exceeded `statement_timeout`", "which is `30s` unless"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", session_term: 1d }",
            "1d }",
            &["would wait that long for another one", "`10m` at most"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a:secret@b/c\", password_file: /proc/version }",
            "/proc/version",
            &["the URL holds a password, too", "leave one of them out"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: data/koukan.sqlite\n  postgres: \"postgres://a@b/c\"",
            "postgres:",
            &[
                "either `sqlite`, `postgres` or `memory`",
                "leave all but one out",
            ],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: \"postgres://a@b/c\"\n  reserve: 64MiB",
            "reserve:",
            &["beside the file of a database", "leave it out"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: \"mysql://a:secret@b/c\"",
            "\"mysql:",
            &[
                "not the URL of a PostgreSQL database",
                "postgres://user@host",
            ],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: 5432",
            "postgres: 5432",
            &["a URL as in `postgres://user@host/database`, or a mapping with `url`"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { password_file: /proc/version }",
            "postgres: {",
            &["`url` is missing"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { urk: \"postgres://a@b/c\" }",
            "urk",
            &["no key `urk`", "did you mean `url`?"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", session_term: 20ms }",
            "20ms",
            &["`1s` at least"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", statement_timeout: 0s }",
            "0s }",
            &["is no time at all"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", lock_timeout: 25d }",
            "25d",
            &["from `1ms` to `24d`"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", patience: 11m }",
            "11m",
            &["no client waits that long", "`10m` at most"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", alone: true, session_term: 2s }",
            "2s",
            &["leave one out"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", password_file: /nowhere/password }",
            "/nowhere/password",
            &["cannot read /nowhere/password"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c\", ca_file: /nowhere/ca.pem }",
            "/nowhere/ca.pem",
            &["cannot read /nowhere/ca.pem"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "postgres: { url: \"postgres://a@b/c?sslrootcert=/nowhere/ca.pem\" }",
            "\"postgres://a@b/c?ssl",
            &["cannot read /nowhere/ca.pem", "name a file in the URL"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: \"\"",
            "sqlite: \"\"",
            &["not a file"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: sqlite:///var/k.db",
            "sqlite: sqlite:",
            &["not a file"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: file:k.db",
            "sqlite: file:",
            &["not a file"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: data/",
            "sqlite: data/",
            &["not a file"],
        ),
        (
            "url: \"http://127.0.0.1:8002\"",
            "url: \"http://127.0.0.1:99999\"",
            "99999",
            &["not a URL"],
        ),
        (
            "url: \"http://127.0.0.1:8002\"",
            "url: \"http://127.0.0.1:0\"",
            "127.0.0.1:0\"",
            &["not a URL"],
        ),
        (
            "url: \"http://127.0.0.1:8002\"",
            "url: \"https://[::1\"",
            "https://[::1\"",
            &["not a URL"],
        ),
        (
            "url: \"http://127.0.0.1:8002\"",
            "url: \"http://x\u{e9}y\"",
            "http://x",
            &["not a URL"],
        ),
        (
            API,
            "- { address: \"127.0.0.1:8000\", token: [{ name: a, sha256: abc }] }",
            "sha256: abc",
            &["koukan token"],
        ),
    ]);
}

#[test]
fn a_postgresql_database_may_be_its_url_alone() {
    for postgres in [
        "postgres: \"postgres://a:secret@b/c\"",
        "postgres: postgres://a@b/c",
        "postgres: { url: \"postgres://a@b/c\", statement_timeout: 2s }",
    ] {
        check(&changed("sqlite: data/koukan.sqlite", postgres)).unwrap();
    }
    let alone = changed(
        "storage:\n  sqlite: data/koukan.sqlite",
        "storage: \"postgres://a:secret@b/c\"",
    );
    let told = check(&alone).unwrap_err();
    let message = told.lines().next().unwrap();
    assert!(
        message.contains("write `{ postgres: \"postgres://…\" }`"),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn servers_that_look_up_names() {
    let with = |resolver: &str| format!("{HOSTNAME}resolver: {{ {resolver} }}\n");
    for (resolver, words) in [
        ("server: [\"192.0.2.53\"]", &["192.0.2.53"][..]),
        ("server: [dns.example]", &["dns.example"]),
        ("timeout: 3", &["3"]),
        ("servers: []", &["servers", "server"]),
    ] {
        told(&[(HOSTNAME, &with(resolver), "resolver:", words)]);
    }
    check(&changed(
        HOSTNAME,
        &with("server: [\"192.0.2.53:53\", \"[2001:db8::53]:53\"], timeout: 1s, cache: 100"),
    ))
    .unwrap();
}

#[test]
fn a_stop_that_takes_longer_than_it_is_waited_for() {
    let warned = |grace: &str| {
        let grace = format!("shutdown: {{ grace: {grace} }}\nhostname: a\n");
        check(&changed(HOSTNAME, &grace)).unwrap().to_string()
    };
    assert_eq!(warned("15s"), "");
    let long = warned("16s");
    for part in ["goes on for 16s", "may need 41 s", "`TimeoutStopSec`"] {
        assert!(long.contains(part), "{long}");
    }
}
