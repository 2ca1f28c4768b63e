//! Clients that do not wait for the greeting, and swaks, which does.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
};

#[test]
fn who_speaks_before_the_greeting_is_refused_and_swaks_is_not() {
    let (sink, directory) = (Collector::start(), tempfile::tempdir().unwrap());
    let address = free_address();
    let text = format!(
        r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: out }}
smtp_listener: [{{ address: "{address}", sender: out, greeting_delay: 2s }}]
sender: [{{ name: out, chain: out }}]
chain: [{{ name: out, endpoint: {{ smtp: {{ host: ["{sink}"] }} }} }}]
log: {{ level: error }}
"#,
        sink = sink.address
    );
    let _agent = Process::start_agent(&directory, &text);
    await_listener(address);
    let mut early = TcpStream::connect(address).unwrap();
    early.write_all(b"EHLO client\r\n").unwrap();
    let mut said = String::new();
    early.read_to_string(&mut said).unwrap();
    assert_eq!(said, "554 speak after the greeting, closing connection\r\n");
    run(peer("swaks")
        .args(["--to", "b@example.com", "--from", "a@example.org"])
        .args(["--server", &format!("localhost:{}", address.port())]));
    sink.only_message("b@example.com");
}
