//! What an earlier version has stored under another spelling of an international domain.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use koukan_core::{
    blob::BlobPool,
    path::Mailbox,
    storage::{
        MemoryBackend, Queue, Storage, SuppressionLists,
        record::{Suppression, SuppressionChange, Suspension, SuspensionChange},
    },
    test_util::TokioClock,
};

const HOST: &str = "xn--bcher-kva.example";

async fn open(backend: &MemoryBackend) -> Storage {
    let backend = Arc::new(backend.another_process());
    let storage = Storage::open(
        backend,
        BlobPool::default(),
        Arc::new(TokioClock::default()),
    );
    let storage = storage.await.unwrap();
    storage.suppress([("out".into(), Duration::from_secs(1000))]);
    storage
}

async fn suspend(backend: &MemoryBackend, host: &str) {
    let suspension = Suspension {
        host: host.into(),
        since: Timestamp::UNIX_EPOCH,
        by: "olga".into(),
    };
    let change = SuspensionChange::Suspend(suspension);
    backend.change_suspension(change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_suspension_holds_under_its_new_name_and_ends_under_both() {
    let backend = MemoryBackend::new();
    for host in ["bücher.example", "unix:/run/bücher", "example.com"] {
        suspend(&backend, host).await;
    }
    for _ in 0..2 {
        let storage = open(&backend).await;
        let suspension = storage.suspension(HOST).unwrap();
        assert_eq!(&*suspension.by, "olga");
        let named = storage.suspensions().into_iter().map(|one| one.host);
        let named: Vec<_> = named.collect();
        assert_eq!(
            named.iter().map(|host| &**host).collect::<Vec<_>>(),
            ["example.com", "unix:/run/bücher", HOST]
        );
    }
    // What the earlier version has queued is compared with the earlier name.
    assert_eq!(backend.suspensions().await.unwrap().len(), 4);
    let storage = open(&backend).await;
    assert!(storage.resume_destination(HOST).await.unwrap());
    assert!(!open(&backend).await.is_suspended(HOST));
    assert_eq!(backend.suspensions().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_suppression_is_moved_and_of_two_the_longer_one_stays() {
    let backend = MemoryBackend::new();
    let now = Timestamp::from_second(4_000_000_000).unwrap();
    let one = |address: &str, seconds: u64| Suppression {
        sender: "out".into(),
        address: address.into(),
        since: Timestamp::UNIX_EPOCH,
        until: now + Duration::from_secs(seconds),
        reason: "550 5.1.1 no".into(),
    };
    for old in [
        one("bob@bücher.example", 100),
        one("carol@bücher.example", 100),
        one(&format!("carol@{HOST}"), 50),
        one("dan@bücher.example", 100),
        one(&format!("dan@{HOST}"), 200),
        one("böb@example.com", 100),
    ] {
        let change = SuppressionChange::Keep(old);
        backend.change_suppression(change).await.unwrap();
    }
    let mailbox = |text: &str| text.parse::<Mailbox>().unwrap();
    for _ in 0..2 {
        let storage = open(&backend).await;
        for (address, seconds) in [
            ("bob@BÜCHER.example", 100),
            ("carol@bücher.example", 100),
            ("dan@bücher.example", 200),
            ("böb@example.com", 100),
        ] {
            let found = storage.suppression("out", &mailbox(address)).unwrap();
            assert_eq!(found.until, now + Duration::from_secs(seconds), "{address}");
        }
        assert_eq!(backend.suppressions().await.unwrap().len(), 4);
    }
    let storage = open(&backend).await;
    let bob = mailbox("bob@bücher.example");
    let removed = storage.remove_suppression("out", &bob).await;
    assert!(removed.unwrap().is_some());
    let storage = open(&backend).await;
    assert!(storage.suppression("out", &bob).is_none());
}
