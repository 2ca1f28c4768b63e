//! A receiver of webhooks in Python, which may be killed and started anew.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{peers::peer, process::Process};

/// Listens on one address, whenever it runs.
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

    /// Starts it, and has it answer with that status.
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
                    // It was killed as it wrote.
                    return;
                };
                requests.lock().unwrap().push(request);
            }
        });
        self.process = Some(process);
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// Events so far, as they came.
    pub(super) fn events(&self) -> Vec<Value> {
        let requests = self.requests().into_iter();
        let events = requests.flat_map(|request| {
            let events = request["content"]["data"]["events"].as_array();
            events.expect("each is signed").clone()
        });
        events.collect()
    }
}
