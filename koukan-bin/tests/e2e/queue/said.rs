//! Operators see what was said in an attempt.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    client::Client,
    peers::run,
    process::{eventually, free_address},
};

use super::setup::Agent;

/// Refuses if the recipient's name says so. It runs until the test ends.
fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    output.write_all(b"220 picky.example ESMTP\r\n")?;
    let (mut phase, mut is_message) = (String::new(), false);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match line.get(..4).unwrap_or(&line) {
            _ if is_message && line != ".\r\n" => continue,
            _ if is_message => {
                is_message = false;
                "452 4.3.1 refused at the end\r\n"
            }
            "EHLO" => "250 picky.example\r\n",
            "RCPT" => {
                phase = line["RCPT TO:<".len()..]
                    .split('@')
                    .next()
                    .unwrap()
                    .to_owned();
                match &*phase {
                    "rcpt" => "450 4.2.1 refused at RCPT\r\n",
                    "odd" => "450 4.2.1 \x1b[31m\u{202e}red\r\n",
                    "gone" => return Ok(()),
                    _ => "250 ok\r\n",
                }
            }
            "MAIL" if line.contains("<nobody@") => "451 4.3.0 refused at MAIL\r\n",
            "DATA" if phase == "data" => "451 4.3.0 refused at DATA\r\n",
            "DATA" => {
                is_message = true;
                "354 go\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        output.write_all(reply.as_bytes())?;
    }
}

#[test]
fn a_refusal_in_each_phase_is_shown_with_what_was_said() {
    let agent = Agent::start(refusing(), free_address());
    let url = format!("http://{}", agent.rest);
    let queue = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        run(command.args(["queue", "--url", &url]).args(arguments))
    };
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&queue(&[arguments, &["--json"]].concat())).unwrap()
    };
    let mut client = Client::connect(agent.submission).unwrap();
    for (phase, last) in [
        ("mail", "< 451 4.3.0 refused at MAIL"),
        ("odd", r"< 450 4.2.1 \x1b[31m\u{202e}red"),
        ("rcpt", "< 450 4.2.1 refused at RCPT"),
        ("gone", "> RCPT TO:<gone@smtp.example>"),
        ("data", "< 451 4.3.0 refused at DATA"),
        ("end", "< 452 4.3.1 refused at the end"),
    ] {
        let to = format!("{phase}@smtp.example");
        let from = match phase {
            "mail" => "nobody@example.org",
            _ => "alice@example.org",
        };
        let sent = client.send(from, &[&*to], "Subject: hi\r\n\r\nsecret words\r\n");
        assert!(sent.unwrap().is_accepted());
        let listed = json(&["list", "--to", &to]);
        let id = listed["transactions"][0]["id"].as_str().unwrap();
        eventually(Duration::from_secs(20), || {
            let shown = json(&["show", id]);
            shown["attempts"][0]["conversation"].is_array()
        });
        let shown = queue(&["show", id]);
        for words in [&*format!("> MAIL FROM:<{from}>"), last] {
            assert!(shown.contains(words), "{words} in {shown}");
        }
        assert!(!shown.contains("secret words"), "{shown}");
        let attempt = &json(&["show", id])["attempts"][0];
        assert_eq!(attempt["left_out"], 0);
        for said in attempt["conversation"].as_array().unwrap() {
            let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            assert!(time(&said["at"]) <= time(&attempt["ended"]), "{attempt}");
        }
    }
}
