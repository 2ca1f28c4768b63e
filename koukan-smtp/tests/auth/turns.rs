//! Only so many questions to an authenticator are under way at a time: who waits, and for whom.

use std::{num::NonZeroUsize, sync::mpsc, time::Duration};

use tokio::{io::DuplexStream, task::JoinSet, time::Instant};

use super::*;

/// Never answers for one user, and answers at once for others.
#[derive(Debug, Default)]
struct IsSilentOfMallory;

#[async_trait::async_trait]
impl Authenticator for IsSilentOfMallory {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    fn questions_max(&self) -> u64 {
        16
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        match claim {
            Claim::Password { user, .. } if &*user == "alice" => Ok(Answer::Accepted(user)),
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn questions_that_take_long_leave_room_for_those_of_other_clients() {
    let server = tells_identity()
        .with_authenticator(IsSilentOfMallory)
        .with_auth_in_clear()
        .with_limits(Limits::default().with_failed_authentications(100));
    let mut silent = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..20 {
        let (mut client, _) = connect(&server, &connected("192.0.2.66:5")).await;
        silent.spawn(async move {
            let reply = client.auth(Mechanism::Plain, "mallory", "x").await;
            assert!(reply.starts_with("454 "), "{reply}");
            begun.elapsed().as_secs()
        });
    }
    // Others are served meanwhile, and what is one too many waits for a turn, but not for long.
    let (mut client, _) = connect(&server, &connected(ELSEWHERE)).await;
    let reply = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert_eq!(reply, "235 2.7.0 authentication succeeded");
    assert_eq!(begun.elapsed().as_secs(), 0);
    for _ in 0..6 {
        assert_eq!(silent.join_next().await.unwrap().unwrap(), 10);
    }
    // The attempts that were under way time out.
    let ended: Vec<_> = silent.join_all().await;
    assert_eq!(ended, [60; 14]);
}

/// Answers no question at all, as an HTTP server that is silent; alice's claim is remembered.
#[derive(Debug)]
struct RemembersAlice;

#[async_trait::async_trait]
impl Authenticator for RemembersAlice {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    fn questions_max(&self) -> u64 {
        4
    }

    fn known(&self, claim: &Claim) -> Option<Answer> {
        (claim.user() == Some("alice")).then(|| Answer::Accepted("alice".into()))
    }

    async fn ask(&self, _: Claim) -> Result<Answer, Unavailable> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_remembered_waits_for_no_authenticator_that_is_silent() {
    let server = tells_identity()
        .with_authenticator(RemembersAlice)
        .with_auth_in_clear();
    let begun = Instant::now();
    let mut silent = JoinSet::new();
    for number in 0..20 {
        let address = format!("192.0.{number}.1:5");
        let (mut client, _) = connect(&server, &connected(&address)).await;
        silent.spawn(async move { client.auth(Mechanism::Plain, "bob", "x").await });
    }
    let (mut client, _) = connect(&server, &connected(ELSEWHERE)).await;
    let reply = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert_eq!(reply, "235 2.7.0 authentication succeeded");
    assert_eq!(begun.elapsed().as_secs(), 0);
    for reply in silent.join_all().await {
        assert!(reply.starts_with("454 "), "{reply}");
    }
}

/// Answers one question in a tenth of a second, one at a time, and knows alice alone.
#[derive(Debug)]
struct Slow;

#[async_trait::async_trait]
impl Authenticator for Slow {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    fn questions_max(&self) -> u64 {
        1
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(match claim {
            Claim::Password { user, .. } if &*user == "alice" => Answer::Accepted(user),
            _ => Answer::Refused,
        })
    }
}

async fn guess(client: &mut Client<DuplexStream>) {
    let reply = client.auth(Mechanism::Plain, "mallory", "x").await;
    assert!(reply.starts_with("535 5.7.8 "), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn who_has_not_failed_waits_for_no_crowd_that_guesses() {
    let limits = Limits::default().with_authentication_delay(Duration::ZERO);
    let server = tells_identity()
        .with_authenticator(Slow)
        .with_auth_in_clear()
        .with_limits(limits);
    let mut crowd = JoinSet::new();
    for number in 0..50 {
        let address = format!("[2001:db8:{number}::1]:5");
        let (mut client, _) = connect(&server, &connected(&address)).await;
        crowd.spawn(async move {
            guess(&mut client).await;
            client
        });
    }
    let crowd = crowd.join_all().await;
    // Each guesses once more, and somebody logs in.
    let mut again = JoinSet::new();
    for mut client in crowd {
        again.spawn(async move { guess(&mut client).await });
    }
    let (mut client, _) = connect(&server, &connected(ELSEWHERE)).await;
    let begun = Instant::now();
    let reply = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert_eq!(reply, "235 2.7.0 authentication succeeded");
    // The question under way ends, then it is her turn.
    assert!(begun.elapsed().as_millis() <= 200, "{:?}", begun.elapsed());
    again.join_all().await;
    assert!(begun.elapsed().as_millis() >= 4000, "there was no crowd");
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_before_its_turn_leaves_the_line() {
    let hangs = Hangs::default();
    let asked = Arc::clone(&hangs.0);
    let server = tells_identity().with_authenticator(hangs);
    let (mut first, _) = connect(&server, &connected(HERE)).await;
    let auth = b"AUTH PLAIN AGEAYg==\r\n";
    first.0.write_all(auth).await.unwrap();
    asked.notified().await;
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let session = tokio::spawn(server.serve(theirs, &connected(HERE)));
    let mut client = Client(ours);
    reply_from(&mut client.0).await;
    client.ask("EHLO me").await;
    client.0.write_all(auth).await.unwrap();
    // It could still read the reply.
    client.0.shutdown().await.unwrap();
    let begun = Instant::now();
    session.await.unwrap();
    assert!(begun.elapsed().is_zero(), "{:?}", begun.elapsed());
}

/// SCRAM needs no password to be hashed.
#[tokio::test]
async fn who_proves_to_know_the_password_waits_for_none_that_is_hashed() {
    let pool = BlockingPool::new(NonZeroUsize::MIN);
    let verifier = Verifier::new("pencil", 4096).unwrap();
    let entries = format!("alice:{verifier}").parse().unwrap();
    let file = PasswordFile::new(entries, pool.clone()).unwrap();
    assert_eq!(file.questions_max(), 1);
    let (end, ended) = mpsc::sync_channel::<()>(1);
    let other_work = tokio::spawn(async move { pool.run(move || ended.recv()).await });
    let server = tells_identity().with_authenticator(file);
    let [mut hashed, mut proves] = [
        connect(&server, &connected(HERE)).await.0,
        connect(&server, &connected(HERE)).await.0,
    ];
    hashed
        .0
        .write_all(b"AUTH PLAIN AGFsaWNlAHBlbmNpbA==\r\n")
        .await
        .unwrap();
    let reply = proves.auth(Mechanism::ScramSha256, "alice", "pencil").await;
    assert!(reply.starts_with("235 "), "{reply}");
    end.send(()).unwrap();
    let reply = reply_from(&mut hashed.0).await;
    assert!(reply.starts_with("235 "), "{reply}");
    other_work.await.unwrap().unwrap().unwrap();
}
