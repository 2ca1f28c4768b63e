//! A PostgreSQL database that will not do, although it can be connected to.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;

use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};

use self::postgres::{Durability, Server};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_told_of_and_what_to_do() {
    let server = Server::start(Durability::None);
    let url = server.database();
    let standby = server.standby();
    let of_standby = standby.url(url.rsplit('/').next().unwrap());
    let checked = options(&of_standby).check().await.unwrap_err();
    let opened = PostgresBackend::open(options(&of_standby))
        .await
        .unwrap_err();
    for refused in [checked, opened] {
        let is_unfit = matches!(refused, PostgresError::Unfit { .. });
        assert!(
            is_unfit && refused.to_string().contains("standby"),
            "{refused:?}"
        );
        assert!(refused.help().unwrap().contains("primary"), "{refused:?}");
    }
    let schema = options(&url).check().await.unwrap();
    assert_eq!(schema.version(), None, "nothing was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoding_that_lacks_characters_is_told_of() {
    let server = Server::start(Durability::None);
    for (encoding, is_fit) in [("LATIN1", false), ("EUC_JP", false), ("UTF8", true)] {
        let name = encoding.to_lowercase();
        let create =
            format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        server.execute("postgres", &create);
        let url = server.url(&name);
        let checked = options(&url).check().await.map(|_| ());
        let opened = PostgresBackend::open(options(&url)).await.map(|_| ());
        for found in [checked, opened] {
            let Err(refused) = found else {
                assert!(is_fit, "{encoding}");
                continue;
            };
            assert!(!is_fit && matches!(refused, PostgresError::Unfit { .. }));
            assert!(refused.to_string().contains(encoding), "{refused}");
            assert!(refused.help().unwrap().contains("'UTF8'"));
        }
    }
}
