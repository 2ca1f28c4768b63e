//! A client that takes all the memory for messages that it can get, and completes no message.

use std::{io::Write, net::TcpStream};

use crate::{agent::Agent, client::Client, collector::Collector, hostile, process::free_address};

/// More than fits into the memory.
const HOSTILE: usize = 100;
const MEMORY: &str = "4MiB";

/// Begins a message on each connection that is allowed to, and stops in the middle of it. Returns how many
/// connections were told that there is no room.
fn begin(connections: &[TcpStream]) -> usize {
    let begin = |connection: &TcpStream| {
        let mut client = Client::over(connection.try_clone().unwrap()).unwrap();
        let reply = client.command("MAIL FROM:<a@example.org>").unwrap();
        if !reply.starts_with("250") {
            assert!(reply.starts_with("452 4.3.1"), "{reply}");
            return false;
        }
        let reply = client.command("RCPT TO:<never@example.com>").unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        let reply = client.command("DATA").unwrap();
        assert!(reply.starts_with("354"), "{reply}");
        let octets = "hello\r\n".repeat(20_000);
        let mut connection = connection;
        connection.write_all(octets.as_bytes()).unwrap();
        true
    };
    let begun = connections.iter().filter(|connection| begin(connection));
    connections.len() - begun.count()
}

#[test]
fn slow_messages_of_one_client_leave_room_for_others_and_for_the_queue() {
    let sink_address = free_address();
    let agent = Agent::start_with_memory(sink_address, MEMORY);
    let message = format!("Subject: hi\r\n\r\n{}", "hello\r\n".repeat(5_000));
    let send = |server, to: &str| {
        let mut client = Client::connect(server).unwrap();
        let sent = client.send("b@example.org", &[to], &message).unwrap();
        assert!(sent.is_accepted(), "{sent:?}");
    };
    // The message is queued while nobody listens.
    send(agent.submission, "queued@example.com");
    let held = hostile::connections(agent.submission, HOSTILE);
    let refused = begin(&held);
    assert!(refused > 40 && refused < HOSTILE, "{refused} of {HOSTILE}");
    send(agent.submission, "kept@example.com");
    let sink = Collector::listen(sink_address);
    sink.only_message("queued@example.com");
    sink.only_message("kept@example.com");
    send(agent.ingress, "live@example.com");
    sink.only_message("live@example.com");
    assert!(sink.messages("never@example.com").is_empty());
    drop(held);
}
