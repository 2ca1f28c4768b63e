//! Mail from the world for the mailboxes of Dovecot.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use crate::{client::Client, lmtp::dovecot::Dovecot, process::await_listener};

use super::{Example, dns::Dns};

const FILE: &str = include_str!("../../../../config/examples/mx.yaml");

/// A scanner that finds everything infected that contains `virus`.
fn scanner() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            answer(client.unwrap());
        }
    });
    address
}

fn answer(mut client: TcpStream) {
    let mut asked = Vec::new();
    let mut octets = [0; 1024];
    while !asked.ends_with(&[0; 4]) {
        let count = client.read(&mut octets).unwrap();
        assert_ne!(count, 0);
        asked.extend_from_slice(&octets[..count]);
    }
    let said = match String::from_utf8_lossy(&asked).contains("virus") {
        true => "stream: Virus.Of.A.Test FOUND\0",
        false => "stream: OK\0",
    };
    client.write_all(said.as_bytes()).unwrap();
}

#[test]
fn mail_is_looked_at_and_comes_into_mailboxes() {
    let dns = Dns::serve(&[
        r#"example.org. IN TXT "v=spf1 ip4:127.0.0.1 -all""#,
        r#"_dmarc.strict.example. IN TXT "v=DMARC1; p=reject""#,
        r#"strict.example. IN TXT "v=spf1 -all""#,
    ]);
    let dovecot = Dovecot::start(&["bob@example.com"], &[]);
    let mut mx = Example::new();
    let file = format!(
        "{FILE}resolver: {{ server: [\"{}\"], timeout: 1s }}\n",
        dns.address
    );
    mx.start(
        &file,
        &[
            ("127.0.0.1:3310", scanner().to_string()),
            ("127.0.0.1:2400", dovecot.address.to_string()),
            // Tests should not wait for minutes.
            ("data/greylist }", "data/greylist, min: 1ms }".to_owned()),
        ],
    );
    await_listener(mx.rest);
    let send = |from: &str, to: &str, author: &str, text: &str| {
        let mut client = Client::connect(mx.smtp).unwrap();
        let message = format!("From: {author}\r\nSubject: hi\r\n\r\n{text}\r\n");
        let sent = client.send(from, &[to], &message).unwrap();
        sent.message.unwrap_or_else(|| sent.rcpts[0].clone())
    };
    let (alice, bob) = ("alice@example.org", "bob@example.com");
    let first = send(alice, bob, alice, "hello");
    assert!(first.starts_with("451 4.7.1 greylisted"), "{first}");
    let again = send(alice, bob, alice, "hello");
    assert!(again.starts_with("250 2."), "{again}");
    let message = dovecot.only_message(bob);
    assert!(
        message.contains("Authentication-Results: mx.example.com"),
        "{message}"
    );
    assert!(
        message.contains("spf=pass smtp.mailfrom=example.org"),
        "{message}"
    );

    let infected = send(alice, bob, alice, "a virus");
    assert_eq!(infected, "550 5.7.1 message is infected (Virus.Of.A.Test)");
    let forged = send(alice, bob, "boss@strict.example", "hello");
    assert_eq!(
        forged,
        "550 5.7.1 the author's domain asks for this mail to be refused"
    );
    let elsewhere = send(alice, "bob@example.net", alice, "hello");
    assert!(elsewhere.starts_with("550 5.7.1"), "{elsewhere}");
    assert_eq!(dovecot.messages(bob), 1);
}
