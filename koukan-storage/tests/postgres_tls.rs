//! A PostgreSQL server with TLS, whose certificate the test has made.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{error::Error as _, time::Duration};

use koukan_core::storage::{Queue as _, Records as _};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions, PostgresTls};

use self::{
    certificates::Authority,
    postgres::{Server, database},
    support::transaction,
};

/// A server whose certificate, by an authority of the test, is for `localhost`.
struct Site {
    authority: Authority,
    server: Server,
}

impl Site {
    fn start() -> Self {
        let authority = Authority::new("authority");
        let (certificate, key) = authority.issue("localhost");
        let server = Server::start_with_tls(&certificate, &key);
        Self { authority, server }
    }

    /// An empty database.
    fn database(&self) -> String {
        let url = self.server.database();
        url.rsplit('/').next().unwrap().to_owned()
    }

    /// Options for the server under this name of the host. Retries would last an hour.
    fn options(&self, host: &str, name: &str, tls: PostgresTls) -> PostgresOptions {
        PostgresOptions::new(&self.server.url_by_host(host, name))
            .unwrap()
            .with_connections(4)
            .with_patience(Duration::from_secs(3600))
            .with_tls(tls)
    }
}

/// The error for a database that cannot be opened.
async fn refusal(options: PostgresOptions) -> String {
    let refused = PostgresBackend::open(options).await.unwrap_err();
    let is_told = matches!(refused, PostgresError::Unreachable { .. });
    assert!(is_told, "{refused:?}");
    format!("{refused}: {}", refused.source().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_is_encrypted_to_a_server_that_is_known() {
    use PostgresTls::{Off, Prefer, Require, VerifyCa, VerifyFull};

    let site = Site::start();
    let own = Some(site.authority.certificate());
    for (tls, host, authorities, is_encrypted) in [
        (Off, "localhost", None, false),
        (Prefer, "localhost", None, true),
        (Require, "127.0.0.1", None, true),
        (VerifyCa, "127.0.0.1", own.clone(), true),
        (VerifyFull, "localhost", own, true),
    ] {
        let name = site.database();
        let mut options = site.options(host, &name, tls).with_events(true);
        if let Some(authorities) = authorities {
            options = options.with_authorities(authorities);
        }
        let backend = PostgresBackend::open(options).await.unwrap();
        let new = transaction(100_000);
        backend.insert(new.clone()).await.unwrap();
        assert!(backend.find(new.id).await.unwrap().is_some());
        let connections = "SELECT count(*) > 1, bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity \
             USING (pid) WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let seen = site.server.execute(&name, connections);
        let expected = if is_encrypted { "t|t" } else { "t|f" };
        assert_eq!(seen.trim(), expected, "{tls:?}");
        backend.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_is_refused_at_once() {
    use PostgresTls::{VerifyCa, VerifyFull};

    let site = Site::start();
    let name = site.database();
    let (other, forged) = (Authority::new("other"), Authority::new("authority"));
    for tls in [VerifyCa, VerifyFull] {
        let options = site.options("localhost", &name, tls);
        for (options, why) in [
            (options.clone(), "UnknownIssuer"),
            (
                options.clone().with_authorities(other.certificate()),
                "UnknownIssuer",
            ),
            // The right name with another key.
            (
                options.clone().with_authorities(forged.certificate()),
                "BadSignature",
            ),
        ] {
            let told = refusal(options).await;
            let server = format!("could not connect to database {name} at localhost:");
            assert!(told.starts_with(&server), "{told}");
            assert!(told.contains("cannot be believed by TLS"), "{told}");
            assert!(told.contains(why), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_name_is_refused_at_once() {
    let site = Site::start();
    let name = site.database();
    let options = site
        .options("127.0.0.1", &name, PostgresTls::VerifyFull)
        .with_authorities(site.authority.certificate());
    let told = refusal(options).await;
    assert!(told.contains("cannot be believed by TLS"), "{told}");
    assert!(told.contains("not valid for name"), "{told}");
    assert!(told.contains("localhost"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_is_told_of_and_not_waited_for() {
    use PostgresTls::{Prefer, VerifyFull};

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("empty"), "").unwrap();
    // Nobody listens there: what would be waited for is waited for.
    let url = "postgres://koukan@127.0.0.1:1/koukan";
    let options = |url: &str| {
        let options = PostgresOptions::new(url).unwrap();
        options.with_patience(Duration::from_secs(3600))
    };
    let with = |name: &str| {
        let path = file(name).display().to_string();
        let of_url = |key: &str| options(&format!("{url}?{key}={path}"));
        [
            options(url).with_tls(VerifyFull).with_authorities(&path),
            options(url).with_tls(Prefer).with_authorities(&path),
            of_url("sslrootcert"),
            of_url("sslcert"),
            of_url("sslkey"),
        ]
    };
    for options in with("missing") {
        let refused = PostgresBackend::open(options.clone()).await.unwrap_err();
        let PostgresError::File(error) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.path, file("missing"));
        assert_eq!(error.source.kind(), std::io::ErrorKind::NotFound);
        // So it is where the schema is looked at.
        let asked = options.schema().await;
        assert!(matches!(asked, Err(PostgresError::File(_))));
    }
    for options in with("empty").into_iter().take(3) {
        let error = options.check_files().unwrap_err();
        assert_eq!(error.source.to_string(), "it holds no certificate in PEM");
    }
    let there = options(&format!(
        "{url}?sslcert={0}&sslkey={0}",
        file("empty").display()
    ));
    there.check_files().unwrap();
    // Without TLS no file is needed.
    let missing = file("missing");
    let without = format!("{url}?sslmode=disable&sslrootcert={}", missing.display());
    options(&without).check_files().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_where_that_is_to_be() {
    use PostgresTls::{Require, VerifyCa, VerifyFull};

    let url = database();
    for tls in [Require, VerifyCa, VerifyFull] {
        let options = PostgresOptions::new(&url).unwrap().with_tls(tls);
        let told = refusal(options.with_patience(Duration::from_secs(3600))).await;
        assert!(told.to_ascii_lowercase().contains("tls"), "{told}");
    }
}
