//! Questions and answers, octet by octet.

use std::{net::UdpSocket, sync::Arc};

use super::{Dns, Zone, answer::answer};

fn zone() -> Zone {
    Zone::default()
        .with_mail_host("a.example", "mx.example")
        .with_address("mx.example", "127.1.0.1".parse().unwrap())
        .with_address("mx.example", "127.1.0.2".parse().unwrap())
        .with_text("a.example", &"x".repeat(300))
}

fn question(name: &[u8], kind: u8) -> Vec<u8> {
    let header = [7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    [&header[..], name, &[0, kind, 0, 1]].concat()
}

#[test]
fn records_are_told_and_so_is_that_there_are_none() {
    let zone = zone();
    let asked = question(b"\x02mx\x07exAMPLE\0", 1);
    let told = answer(&asked, &zone).unwrap();
    assert_eq!(told[..12], [7, 8, 0x85, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]);
    // The name is returned as it was asked, in the same case.
    assert_eq!(told[12..asked.len()], asked[12..]);
    let each = |last| [0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 127, 1, 0, last];
    assert_eq!(told[asked.len()..], [each(1), each(2)].concat());

    let told = answer(&question(b"\x01a\x07example\0", 15), &zone).unwrap();
    assert!(
        told.ends_with(b"\0\x0e\0\x0a\x02mx\x07example\0"),
        "{told:?}"
    );

    let text = answer(&question(b"\x01a\x07example\0", 16), &zone).unwrap();
    let data = [
        b"\x01\x2e\xff".to_vec(),
        vec![b'x'; 255],
        vec![45],
        vec![b'x'; 45],
    ]
    .concat();
    assert!(text.ends_with(&data), "{text:?}");

    // A name without such a record, and a name that does not exist: both with a record that says
    // how long this may be cached.
    let nothing = answer(&question(b"\x02mx\x07example\0", 28), &zone).unwrap();
    assert_eq!(nothing[2..12], [0x85, 0x80, 0, 1, 0, 0, 0, 1, 0, 0]);
    let nobody = answer(&question(b"\x02no\x07example\0", 1), &zone).unwrap();
    assert_eq!(nobody[2..12], [0x85, 0x83, 0, 1, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn what_is_no_question_is_not_answered() {
    let zone = zone();
    let whole = question(b"\x02mx\x07example\0", 1);
    for end in 0..whole.len() {
        assert_eq!(answer(&whole[..end], &zone), None, "{end}");
    }
    let mut response = whole;
    response[2] |= 0x80;
    assert_eq!(answer(&response, &zone), None);
    assert_eq!(answer(&question(b"\xc0\x0c", 1), &zone), None);
}

#[test]
fn it_answers_until_it_is_dropped() {
    // An address that nobody else uses, who could get the port as soon as it is free.
    let dns = Dns::start(Arc::new(zone()), "127.53.53.1:0".parse().unwrap()).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let asked = question(b"\x02mx\x07example\0", 1);
    let mut told = [0; 512];
    client.send_to(b"?", dns.address()).unwrap();
    client.send_to(&asked, dns.address()).unwrap();
    let (length, _) = client.recv_from(&mut told).unwrap();
    assert_eq!(Some(told[..length].to_vec()), answer(&asked, &zone()));
    let address = dns.address();
    drop(dns);
    // The port is free again.
    UdpSocket::bind(address).unwrap();
}
