//! Certificates, and encrypted streams.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{error::Error, io};

use koukan_core::{
    context::Tls,
    test_util::{Authority, Pem},
    tls::{Certificate, Certificates, ClientTls, InvalidCertificate, ServerTls},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Both sides' results of a handshake with a server that is asked for by that name.
async fn meet(
    server: &ServerTls,
    client: &ClientTls,
    name: &str,
) -> (io::Result<Tls>, io::Result<Tls>) {
    let (ours, theirs) = duplex(1 << 16);
    let serve = async {
        let mut stream = server.accept(theirs).await?;
        let facts = ServerTls::facts(&stream);
        stream.write_all(b"hello").await?;
        stream.shutdown().await?;
        Ok(facts)
    };
    let ask = async {
        let (mut stream, facts) = client.connect(name, ours).await?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await?;
        assert_eq!(said, "hello");
        Ok(facts)
    };
    tokio::join!(serve, ask)
}

fn causes(error: &(dyn Error + 'static)) -> String {
    koukan_core::causes::Causes(error).to_string()
}

#[tokio::test]
async fn both_sides_know_the_same_of_a_connection() {
    let authority = Authority::new();
    let server = authority.server("mx.example.com");
    // Also with the trailing dot of an absolute name.
    for name in ["mx.example.com", "MX.example.com", "mx.example.com."] {
        let (served, asked) = meet(&server, &authority.client(), name).await;
        let facts = served.unwrap();
        assert_eq!(facts, asked.unwrap());
        assert_eq!(&*facts.version, "TLSv1.3");
        assert!(facts.cipher.starts_with("TLS_AES_"), "{facts:?}");
    }
}

#[tokio::test]
async fn who_verifies_believes_its_authority_about_its_name_and_nobody_else() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server("mx.example.com");
    let past = authority.issue_until("mx.example.com", (2020, 1, 1));
    let past = ServerTls::new(Certificates::new([past.certificate()]));
    for (server, client, name, reason) in [
        (&server, other.client(), "mx.example.com", "UnknownIssuer"),
        (
            &server,
            authority.client(),
            "example.com",
            "not valid for name",
        ),
        (
            &server,
            authority.client(),
            "127.0.0.1",
            "not valid for name",
        ),
        (&past, authority.client(), "mx.example.com", "expired"),
    ] {
        let (_, asked) = meet(server, &client, name).await;
        let told = causes(&asked.unwrap_err());
        assert!(told.contains(reason), "{told}");
        // A client that does not verify accepts all of them.
        let (_, asked) = meet(server, &ClientTls::unverified(), name).await;
        asked.unwrap();
    }
    let (_, asked) = meet(&server, &authority.client(), "not a name").await;
    assert_eq!(asked.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let address = authority.server("127.0.0.1");
    let (_, asked) = meet(&address, &authority.client(), "127.0.0.1").await;
    asked.unwrap();
}

#[tokio::test]
async fn the_certificate_is_the_one_for_the_name_that_is_asked_for() {
    let authority = Authority::new();
    let certificates =
        Certificates::new(["a.example", "*.b.example"].map(|name| authority.certificate(name)));
    let server = ServerTls::new(certificates.clone());
    for name in ["a.example", "x.b.example"] {
        let (_, asked) = meet(&server, &authority.client(), name).await;
        asked.unwrap();
    }
    // For a name that no certificate is valid for, the first.
    let (_, asked) = meet(&server, &authority.client(), "c.example").await;
    assert!(causes(&asked.unwrap_err()).contains("a.example"));
    certificates.replace([authority.certificate("c.example")]);
    let (_, asked) = meet(&server, &authority.client(), "c.example").await;
    asked.unwrap();
    let (_, asked) = meet(&server, &authority.client(), "a.example").await;
    asked.unwrap_err();
    certificates.replace([]);
    let (served, _) = meet(&server, &authority.client(), "c.example").await;
    served.unwrap_err();
}

/// A server with another certificate has other keys, and a client of the server before still
/// connects.
#[tokio::test]
async fn a_session_is_resumed_and_the_server_keeps_nothing_of_it() {
    let authority = Authority::new();
    let server = authority.server("mx.example.com");
    let client = authority.client();
    for is_resumed in [false, true, true] {
        let (ours, theirs) = duplex(1 << 16);
        let serve = async {
            let mut stream = server.accept(theirs).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
            stream.get_ref().1.handshake_kind()
        };
        let ask = async {
            let (mut stream, _) = client.connect("mx.example.com", ours).await.unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).await.unwrap();
        };
        let (kind, ()) = tokio::join!(serve, ask);
        assert_eq!(
            format!("{kind:?}").contains("Resumed"),
            is_resumed,
            "{kind:?}"
        );
    }
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused_and_told() {
    let authority = Authority::new();
    let Pem { certificate, key } = authority.issue("a.example");
    let other = authority.issue("a.example").key;
    let both = format!("{key}{certificate}");
    for (chain, key, reason) in [
        ("", &*key, "there is no certificate in PEM"),
        ("hello", &key, "there is no certificate in PEM"),
        (&key, &key, "there is no certificate in PEM"),
        (&certificate, "", "there is no private key in PEM"),
        (&certificate, &certificate, "there is no private key in PEM"),
        (&certificate, &other, "not that of the certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "cannot be read",
        ),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", &key, "not PEM"),
        (
            &certificate,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "cannot be used",
        ),
    ] {
        let error = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        let told = causes(&error);
        assert!(told.contains(reason), "{told}: {chain}");
        assert!(!told.contains(&other[40..60]) && !format!("{error:?}").contains(&other[40..60]));
    }
    Certificate::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
    let chain = format!("{certificate}{}", authority.pem());
    Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let missing = Certificate::from_files("/nowhere/a.pem".as_ref(), "/nowhere/a.key".as_ref());
    let missing = missing.unwrap_err();
    assert!(matches!(missing, InvalidCertificate::Unreadable { .. }));
    assert!(causes(&missing).contains("/nowhere/a.pem"));
    assert!(ClientTls::verified_by(b"hello").is_err());
}

#[test]
fn the_end_of_a_certificate_is_known() {
    let authority = Authority::new();
    for (day, text) in [
        ((2027, 3, 1), "2027-03-01T00:00:00Z"),
        ((2050, 12, 31), "2050-12-31T00:00:00Z"),
        ((1999, 1, 1), "1999-01-01T00:00:00Z"),
    ] {
        let end = authority.issue_until("a.example", day).not_after();
        assert_eq!(end.map(|end| end.to_string()).as_deref(), Some(text));
    }
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_so() {
    let server = Authority::new().server("a.example");
    let (mut ours, theirs) = duplex(1 << 16);
    ours.write_all(b"EHLO a.example\r\n").await.unwrap();
    server.accept(theirs).await.unwrap_err();
    let (ours, mut theirs) = duplex(1 << 16);
    theirs.write_all(b"220 hello\r\n").await.unwrap();
    let failed = ClientTls::unverified().connect("a.example", ours).await;
    failed.unwrap_err();
}
