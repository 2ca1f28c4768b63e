//! A goal from Koukan's own roadmap: a message of 1 GiB by SMTP through gateway and router, with at
//! most 100 MiB of memory, and with CHUNKING in and out.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use super::setup::{Agent, Shape};

/// The size of the message in octets.
const LEN: u64 = 1 << 30;

/// The size of a chunk in octets.
const CHUNK: usize = 1 << 20;

/// The most octets that agents add as fields.
const TRACE_MAX: u64 = 4096;

/// The most octets of a process that may be in memory.
const RESIDENT_MAX: u64 = 100 << 20;

/// The settings that allow such a message.
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

/// A complete reply, with all its lines.
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

/// A server that receives one message in chunks and counts its octets.
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

/// The size of the message; `None` if there was none.
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

/// The most octets of a process that were in memory, without the pages of the program's file, which
/// are many if the program is not optimised.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let octets = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.unwrap().parse::<u64>().unwrap() << 10
    };
    octets("VmHWM:") - octets("RssFile:")
}
