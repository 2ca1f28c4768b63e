//! Listening Unix sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
};

use koukan_core::{
    network::{ListenAddress, Listener, UnixAccess},
    shares::Client,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

async fn bind(path: &Path) -> io::Result<Listener> {
    Listener::bind(&ListenAddress::Unix(path.into()), UnixAccess::default()).await
}

#[tokio::test]
async fn clients_have_no_address_and_a_share_of_their_user() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = bind(&path).await.unwrap();
    assert_eq!(
        listener.address().unwrap(),
        ListenAddress::Unix(path.clone())
    );
    let mut client = UnixStream::connect(&path).await.unwrap();
    let (mut stream, address) = listener.accept().await.unwrap();
    assert_eq!((address, stream.local_host()), (None, None));
    let expected = Client::named(format!("user {}", client.peer_cred().unwrap().uid()));
    assert_eq!(stream.client(address), expected);
    client.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    stream.dismiss(b"bye");
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    assert_eq!((&heard, said.as_str()), (b"hello", "bye"));
}

#[tokio::test]
async fn the_file_is_gone_with_the_listener_and_has_its_permissions_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    for mode in [0o660, 0o666, 0o600] {
        let access = UnixAccess { mode, group: None };
        let address = ListenAddress::Unix(path.clone());
        let listener = Listener::bind(&address, access).await.unwrap();
        let found = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        drop(listener);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn one_that_is_left_is_replaced_and_one_that_lives_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    // The standard library leaves the file, as a killed process does.
    drop(UnixListener::bind(&path).unwrap());
    let listener = bind(&path).await.unwrap();
    let error = bind(&path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    // The one that was refused has removed nothing.
    UnixStream::connect(&path).await.unwrap();
    listener.accept().await.unwrap();
    // A socket that takes the place later keeps it when this one ends.
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(listener);
    assert!(path.exists());
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "no socket").unwrap();
    let error = bind(&path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"no socket");
}

#[tokio::test]
async fn of_those_that_begin_to_listen_at_the_same_time_one_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    // The standard library leaves the files, as killed processes do.
    drop(UnixListener::bind(&path).unwrap());
    let beside = directory.path().join("socket.new");
    let other = UnixListener::bind(&beside).unwrap();
    let error = bind(&path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    UnixStream::connect(&beside).await.unwrap();
    other.accept().unwrap();
    // It ended halfway.
    drop(other);
    let listener = bind(&path).await.unwrap();
    UnixStream::connect(&path).await.unwrap();
    listener.accept().await.unwrap();
    assert!(!beside.exists());
    // A refused one leaves nothing.
    bind(&path).await.unwrap_err();
    assert!(!beside.exists());
}
