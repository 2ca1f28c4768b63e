//! How much is charged for blobs, and to whom.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use koukan_core::{
    blob::{Account, Backing, Blob, BlobError, BlobPool, BlobWriter, Limits, Payer},
    body::Body,
    shares::Client,
};

use super::{
    disk::{Disk, File},
    read_to_end,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// The size of a message that does not fit into its window.
const LARGE: u64 = 200 * KIB;

/// A mebibyte of memory, enough for windows of 64 KiB.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    Limits::default()
        .with_window(64 * KIB)
        .with_spill_above(0)
        .with_budget(MIB)
});

fn pool(spilled: u64) -> BlobPool {
    BlobPool::new(*LIMITS, Arc::new(Disk::default())).with_spill_budget(spilled)
}

fn client(pool: &BlobPool, number: u8) -> Account {
    let address = [192, 0, 2, number].into();
    pool.account(Payer::Client(Client::at(address)))
}

fn octets(len: u64) -> Bytes {
    vec![b'x'; usize::try_from(len).unwrap()].into()
}

/// Writes that many octets, in pieces as they come from a client.
async fn write(writer: &mut BlobWriter, len: u64) -> Result<(), BlobError> {
    let mut left = len;
    while left > 0 {
        let piece = left.min(8 * KIB);
        writer.append(octets(piece)).await?;
        left -= piece;
    }
    Ok(())
}

/// Begins as many transactions of a client as are allowed.
fn begin_all(pool: &BlobPool, number: u8) -> Vec<Account> {
    let one = || {
        let account = client(pool, number);
        account.advance(None).then_some(account)
    };
    std::iter::from_fn(one).take(1000).collect()
}

#[tokio::test]
async fn memory_is_given_back_with_the_last_handle() {
    let pool = BlobPool::in_memory(*LIMITS);
    let (mut writer, blob) = pool.create();
    write(&mut writer, 100).await.unwrap();
    // The whole window is charged at once, not with each piece.
    assert_eq!((pool.used(), pool.charged()), (100, 64 * KIB));
    let reader = blob.reader();
    writer.finish();
    drop(blob);
    assert_eq!((pool.used(), pool.charged()), (100, 100));
    drop(reader);
    assert_eq!((pool.used(), pool.charged()), (0, 0));
}

#[tokio::test]
async fn beyond_the_budget_a_blob_without_a_disk_is_refused() {
    let pool = BlobPool::in_memory(*LIMITS);
    let (mut first, _first) = client(&pool, 1).create();
    let refused = write(&mut first, MIB).await;
    assert!(matches!(refused, Err(BlobError::Full)));
    assert!(pool.charged() > 700 * KIB && pool.charged() < 900 * KIB);
    // Another client still has room.
    let (mut second, blob) = client(&pool, 2).create();
    write(&mut second, 10 * KIB).await.unwrap();
    second.finish();
    assert_eq!(read_to_end(blob.reader()).await.unwrap().len(), 10 << 10);
    drop(first);
}

#[tokio::test]
async fn one_client_leaves_memory_to_others() {
    let pool = pool(u64::MAX);
    let hostile = begin_all(&pool, 1);
    assert!((10..14).contains(&hostile.len()), "{}", hostile.len());
    let other = client(&pool, 2);
    assert!(other.advance(None));
    let (mut writer, blob) = other.create();
    write(&mut writer, 60 * KIB).await.unwrap();
    writer.finish();
    assert!(blob.in_memory().is_some(), "it has what it needs in memory");
    drop(hostile);
    assert_eq!(pool.charged(), 60 * KIB);
}

#[tokio::test]
async fn without_memory_for_it_a_message_spills() {
    let pool = pool(u64::MAX);
    let all: Vec<_> = (1..=100)
        .flat_map(|number| begin_all(&pool, number))
        .collect();
    let (mut writer, blob) = all[0].create();
    write(&mut writer, LARGE).await.unwrap();
    writer.finish();
    assert!(pool.used() <= 64 * KIB, "{}", pool.used());
    assert_eq!(
        read_to_end(blob.reader()).await.unwrap().len() as u64,
        LARGE
    );
    // Nothing was granted to this one, before or later.
    let (mut writer, blob) = client(&pool, 101).create();
    write(&mut writer, LARGE).await.unwrap();
    writer.finish();
    assert_eq!(
        read_to_end(blob.reader()).await.unwrap().len() as u64,
        LARGE
    );
    drop((all, blob));
}

#[tokio::test]
async fn what_clients_hold_is_not_in_the_agents_way() {
    let pool = pool(16 * MIB);
    // The maximum number of them, each at its last window, with bodies that fill the disk.
    let mut held = Vec::new();
    for number in 1..=100 {
        for account in begin_all(&pool, number) {
            let (mut writer, blob) = account.create();
            let _ = write(&mut writer, 2 * MIB).await;
            held.push((writer, blob, account));
        }
    }
    assert!(begin_all(&pool, 101).is_empty());
    for _ in 0..3 {
        let agent = pool.account(Payer::Agent);
        assert!(agent.advance(Some(MIB)));
        let (mut writer, blob) = agent.create();
        write(&mut writer, LARGE).await.unwrap();
        writer.finish();
        assert_eq!(
            read_to_end(blob.reader()).await.unwrap().len() as u64,
            LARGE
        );
        let mut memory = agent.hold();
        memory.add(50 * KIB).unwrap();
        drop(memory);
    }
    drop(held);
    assert_eq!(pool.charged(), 0);
}

#[tokio::test]
async fn what_is_promised_does_not_wait_for_ever_since_it_is_large() {
    let pool = pool(u64::MAX);
    let [first, second] = [(); 2].map(|()| pool.account(Payer::Agent));
    let mut large = first.hold();
    large.add(5 * MIB).unwrap();
    // One at a time.
    let refused = second.hold().add(5 * MIB);
    assert!(matches!(refused, Err(BlobError::Full)));
    second.hold().add(KIB).unwrap();
    drop(large);
    second.hold().add(5 * MIB).unwrap();
    // Messages of clients are limited by the memory.
    assert!(client(&pool, 1).hold().add(5 * MIB).is_err());
}

#[tokio::test]
async fn room_for_spilled_octets_is_shared_too() {
    let pool = pool(16 * MIB);
    let hostile = client(&pool, 1);
    let mut held = Vec::new();
    let refused = loop {
        let (mut writer, blob) = hostile.create();
        if let Err(error) = write(&mut writer, 2 * MIB).await {
            break error;
        }
        writer.finish();
        held.push(blob);
    };
    assert!(matches!(refused, BlobError::Full));
    assert_eq!(held.len(), 6);
    let (mut writer, blob) = client(&pool, 2).create();
    write(&mut writer, LARGE).await.unwrap();
    writer.finish();
    assert_eq!(
        read_to_end(blob.reader()).await.unwrap().len() as u64,
        LARGE
    );
    // Octets that were moved elsewhere are no longer charged.
    let before = pool.charged();
    let stored = held.pop().unwrap();
    stored.rebase(Arc::new(File::default()) as Arc<dyn Backing>);
    assert_eq!(pool.charged(), before - 2 * MIB);
    drop((held, blob));
    assert_eq!(pool.charged(), 0);
}

#[tokio::test]
async fn a_size_that_there_is_no_room_for_is_refused_at_once() {
    let pool = pool(16 * MIB);
    for size in [13 * MIB, 1 << 40, u64::MAX] {
        assert!(!client(&pool, 1).advance(Some(size)), "{size}");
        assert_eq!(pool.charged(), 0);
    }
    let account = client(&pool, 1);
    assert!(account.advance(Some(8 * MIB)));
    // Only once, whoever asks for it.
    assert!(account.clone().advance(Some(8 * MIB)));
    assert_eq!(pool.charged(), 8 * MIB + 64 * KIB);
    assert!(!client(&pool, 1).advance(Some(8 * MIB)));
    let (mut writer, blob) = account.create();
    write(&mut writer, MIB).await.unwrap();
    writer.finish();
    // It was less.
    assert!(pool.charged() <= MIB + 64 * KIB, "{}", pool.charged());
    drop((blob, account));
    assert_eq!(pool.charged(), 0);
}

#[test]
fn who_is_not_expected_soon_keeps_little() {
    let pool = pool(16 * MIB);
    let account = client(&pool, 1);
    assert!(account.advance(Some(MIB)));
    account.reduce(4 * KIB);
    assert_eq!(pool.charged(), 4 * KIB);
    let (writer, _blob) = account.create();
    drop(account);
    assert_eq!(pool.charged(), 4 * KIB);
    drop(writer);
    assert_eq!(pool.charged(), 0);
}

#[test]
fn octets_that_are_there_are_kept_or_refused() {
    let pool = pool(u64::MAX);
    let blob = client(&pool, 1).keep(octets(100 * KIB)).unwrap();
    assert_eq!((pool.used(), pool.charged()), (100 * KIB, 100 * KIB));
    assert_eq!(blob.len(), Some(100 * KIB));
    assert!(client(&pool, 1).keep(octets(MIB)).is_err());
    drop(blob);
    assert_eq!((pool.used(), pool.charged()), (0, 0));
}

#[tokio::test]
async fn octets_of_nobody_are_charged_to_nobody() {
    let pool = pool(u64::MAX);
    let blob = Blob::from_bytes(octets(LARGE));
    assert_eq!(pool.charged(), 0);
    let (writer, copy) = pool.create();
    Body::from(blob).copy_to(writer).await.unwrap();
    assert_eq!(
        read_to_end(copy.reader()).await.unwrap().len() as u64,
        LARGE
    );
}
