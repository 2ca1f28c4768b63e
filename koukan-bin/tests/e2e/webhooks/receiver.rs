//! A receiver of webhooks in Python, which can be killed and started again.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{peers::peer, process::Process};

/// Listens on the same address each time that it runs.
pub(super) struct Receiver {
    secret: &'static str,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Value>>>,
    process: Option<Process>,
}

impl Receiver {
    pub(super) fn new(address: SocketAddr, secret: &'static str) -> Self {
        Self {
            secret,
            address,
            requests: Arc::default(),
            process: None,
        }
    }

    /// Starts it, and makes it answer with that status.
    pub(super) fn start(&mut self, status: u16) {
        let mut command = peer("python3");
        command.args(["-c", include_str!("receiver.py"), self.secret]);
        command.args([self.address.port().to_string(), status.to_string()]);
        let (process, output) = Process::start_with_output(command.stdout(Stdio::piped()));
        let mut output = BufReader::new(output);
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        assert!(first.contains("port"), "{first}");
        let requests = Arc::clone(&self.requests);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let Ok(request) = serde_json::from_str(&line) else {
                    // It was killed while it was writing.
                    return;
                };
                requests.lock().unwrap().push(request);
            }
        });
        self.process = Some(process);
    }

    /// Kills it with SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// The requests so far.
    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The events so far, in the order in which they came.
    pub(super) fn events(&self) -> Vec<Value> {
        let requests = self.requests().into_iter();
        let events = requests.flat_map(|request| {
            let events = request["content"]["data"]["events"].as_array();
            events.expect("each is signed").clone()
        });
        events.collect()
    }
}
