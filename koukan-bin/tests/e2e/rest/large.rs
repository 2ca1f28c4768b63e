//! What Koukan's own roadmap wished for: a message of 1 GiB by SMTP through gateway and router, in 100 MiB of
//! memory at most, with CHUNKING in and out.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use super::setup::{Agent, Shape};

/// Octets of the message.
const LEN: u64 = 1 << 30;

/// Octets of a chunk.
const CHUNK: usize = 1 << 20;

/// Octets of the fields that agents add, at most.
const TRACE_MAX: u64 = 4096;

/// Octets of a process that may be in memory.
const RESIDENT_MAX: u64 = 100 << 20;

/// Room for the message.
const ROOM: &str = "\nrest: { max_message_size: 2GiB }\n";

#[test]
fn a_gibibyte_passes_in_chunks_through_gateway_and_router_in_100_mib() {
    let (sink, received) = sink();
    let changes = [("tag: smtp-mx }", "tag: smtp-mx, max_message_size: 2GiB }")];
    let agent = Agent::start_changed(Shape::Split, sink, ROOM, &changes);
    send(agent.ingress);
    let came = received.join().unwrap();
    assert!((LEN..LEN + TRACE_MAX).contains(&came), "{came}");
    for process in agent.ids() {
        let most = peak(process);
        assert!(most <= RESIDENT_MAX, "{process} took {} MiB", most >> 20);
    }
}

fn send(ingress: SocketAddr) {
    let mut client = BufReader::new(TcpStream::connect(ingress).unwrap());
    assert!(reply(&mut client).starts_with("220"));
    let offer = ask(&mut client, "EHLO x");
    assert!(offer.contains("CHUNKING"), "{offer}");
    let mail = format!("MAIL FROM:<a@example.org> SIZE={LEN}");
    for command in [&*mail, "RCPT TO:<b@example.com>"] {
        let said = ask(&mut client, command);
        assert!(said.starts_with("250"), "{command}: {said}");
    }
    let line = [&[b'x'; 62][..], b"\r\n"].concat();
    let chunk = line.repeat(CHUNK / line.len());
    let mut header = b"Subject: large\r\n\r\n".to_vec();
    header.resize(line.len() - 2, b'x');
    header.extend_from_slice(b"\r\n");
    let first = [&header[..], &chunk[header.len()..]].concat();
    let chunks = LEN / CHUNK as u64;
    for number in 1..=chunks {
        let last = if number == chunks { " LAST" } else { "" };
        let octets = if number == 1 { &first } else { &chunk };
        write!(client.get_mut(), "BDAT {CHUNK}{last}\r\n").unwrap();
        client.get_mut().write_all(octets).unwrap();
        let said = reply(&mut client);
        assert!(said.starts_with("250"), "chunk {number}: {said}");
    }
}

fn ask(client: &mut BufReader<TcpStream>, command: &str) -> String {
    write!(client.get_mut(), "{command}\r\n").unwrap();
    reply(client)
}

/// A reply, with all its lines.
fn reply(client: &mut BufReader<TcpStream>) -> String {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        assert!(client.read_line(&mut line).unwrap() > 0, "closed: {said}");
        said += &line;
        if line.as_bytes().get(3) == Some(&b' ') {
            return said;
        }
    }
}

/// A server that takes one message in chunks and counts its octets.
fn sink() -> (SocketAddr, thread::JoinHandle<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let received = thread::spawn(move || {
        listener
            .incoming()
            .find_map(|stream| serve(stream.unwrap()))
            .unwrap()
    });
    (address, received)
}

/// What came, unless no message did.
fn serve(stream: TcpStream) -> Option<u64> {
    let mut client = BufReader::with_capacity(1 << 16, stream);
    let say = |client: &mut BufReader<TcpStream>, text: &str| {
        write!(client.get_mut(), "{text}\r\n").unwrap();
    };
    say(&mut client, "220 sink.example");
    let mut came = 0;
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["EHLO", ..] => say(&mut client, "250-sink.example\r\n250-SIZE\r\n250 CHUNKING"),
            ["BDAT", len, ref last @ ..] => {
                let len = len.parse().unwrap();
                let mut chunk = client.by_ref().take(len);
                std::io::copy(&mut chunk, &mut std::io::sink()).unwrap();
                came += len;
                say(&mut client, "250 2.0.0 ok");
                if last == ["LAST"] {
                    return Some(came);
                }
            }
            _ => say(&mut client, "250 2.0.0 ok"),
        }
    }
}

/// Octets of a process that were in memory at most, without the pages of the program's own file: a program that is
/// not optimised has many.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let octets = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.unwrap().parse::<u64>().unwrap() << 10
    };
    octets("VmHWM:") - octets("RssFile:")
}
