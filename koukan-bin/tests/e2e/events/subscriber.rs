//! A subscriber that reads events as they come, and connects again whenever the stream breaks off.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

/// A reader of `GET /events` as `text/event-stream`.
pub(super) struct Subscriber {
    seen: Arc<Mutex<Vec<Value>>>,
    streams: Arc<Mutex<usize>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Subscriber {
    pub(super) fn start(agent: SocketAddr) -> Self {
        let seen = Arc::<Mutex<Vec<Value>>>::default();
        let streams = Arc::<Mutex<usize>>::default();
        let stop = Arc::<AtomicBool>::default();
        let thread = {
            let (seen, streams, stop) = (seen.clone(), streams.clone(), stop.clone());
            thread::spawn(move || {
                let mut last = None;
                while !stop.load(Ordering::Relaxed) {
                    // If nobody listens now, the agent will be started again.
                    let _ = read(agent, &mut last, (&seen, &streams, &stop));
                    thread::yield_now();
                }
            })
        };
        Self {
            seen,
            streams,
            stop,
            thread: Some(thread),
        }
    }

    /// The events so far.
    pub(super) fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    /// How many streams were opened.
    pub(super) fn streams(&self) -> usize {
        *self.streams.lock().unwrap()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(
    agent: SocketAddr,
    last: &mut Option<String>,
    (seen, streams, stop): (&Mutex<Vec<Value>>, &Mutex<usize>, &AtomicBool),
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(agent)?;
    // The time limit lets the reader notice the end of the test.
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let from = last
        .as_ref()
        .map(|last| format!("Last-Event-ID: {last}\r\n"));
    let from = from.unwrap_or_default();
    let request =
        format!("GET /events HTTP/1.1\r\nHost: {agent}\r\nAccept: text/event-stream\r\n{from}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) if line.ends_with(b"\n") => {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if text.starts_with("HTTP/1.1 200") {
                    *streams.lock().unwrap() += 1;
                }
                // An event is complete with its data, which follow its id.
                if let Some(data) = text.strip_prefix("data: ") {
                    let event: Value = serde_json::from_str(data).unwrap();
                    *last = event["id"].as_str().map(Into::into);
                    seen.lock().unwrap().push(event);
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
