//! Memory after a burst.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    agent::Agent,
    process::{eventually, free_address},
};

const CLIENTS: usize = 20;
/// How many octets of the unfinished message are held.
const HELD: usize = 1 << 20;

#[test]
fn memory_goes_back_after_a_burst() {
    let agent = Agent::start(free_address());
    let before = resident(agent.id());
    let clients: Vec<_> = (0..CLIENTS).map(|_| begin(agent.submission)).collect();
    let held = || resident(agent.id()).saturating_sub(before);
    let all = (CLIENTS * HELD * 3 / 4) as u64;
    eventually(Duration::from_secs(60), || held() > all);
    let most = held();
    drop(clients);
    // Code and caches that were used for the first time stay in memory.
    eventually(Duration::from_secs(60), || held() < most * 3 / 4);
}

/// A client in the middle of its message.
fn begin(address: SocketAddr) -> BufReader<TcpStream> {
    let mut client = BufReader::new(TcpStream::connect(address).unwrap());
    let commands = [
        "",
        "EHLO x",
        "MAIL FROM:<a@x>",
        "RCPT TO:<b@example.com>",
        "DATA",
    ];
    for command in commands {
        if !command.is_empty() {
            write!(client.get_mut(), "{command}\r\n").unwrap();
        }
        let mut line = String::new();
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            assert!(
                client.read_line(&mut line).unwrap() > 0,
                "closed after {command}"
            );
        }
        assert!(line.starts_with(['2', '3']), "{command}: {line}");
    }
    let line = "x".repeat(62) + "\r\n";
    let message = line.repeat(HELD / line.len());
    client.get_mut().write_all(message.as_bytes()).unwrap();
    client
}

/// How many octets of a process are in memory.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.unwrap().parse::<u64>().unwrap() << 10
}
