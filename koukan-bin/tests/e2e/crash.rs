//! kill -9 under load: every message that was acknowledged arrives.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    process::{eventually, free_address},
};

const KILLS: u64 = 10;
const SESSIONS: u32 = 8;

#[test]
fn every_acknowledged_message_survives_ten_kills() {
    // Nobody listens yet: what is acknowledged is in custody.
    let sink_address = free_address();
    let mut agent = Agent::start(sink_address);
    let load = Load::start(agent.submission);
    for round in 0..KILLS {
        let before = load.acknowledged().len();
        eventually(Duration::from_secs(30), || {
            load.acknowledged().len() > before + 20
        });
        // A moment that differs from round to round.
        thread::sleep(Duration::from_millis(round * 37 % 101));
        agent.kill();
        agent.restart();
    }
    let acknowledged = load.stop();
    let sink = Collector::listen(sink_address);
    let missing = || {
        let arrived = |id: &&String| !sink.messages(&format!("{id}@example.com")).is_empty();
        acknowledged.iter().filter(|id| !arrived(id)).count()
    };
    eventually(Duration::from_secs(120), || missing() == 0);
    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
}

/// Clients that send one message after the other and note which were acknowledged.
struct Load {
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    is_over: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(address: std::net::SocketAddr) -> Self {
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU32::new(0));
        let clients = (0..SESSIONS).map(|session| {
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            let next = Arc::clone(&next);
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let Ok(mut client) = Client::connect(address) else {
                        thread::sleep(Duration::from_millis(10));
                        continue;
                    };
                    while !is_over.load(Ordering::Relaxed) {
                        let id = format!("m{}", next.fetch_add(1, Ordering::Relaxed));
                        // Every fourth is larger than what is committed in one piece.
                        let size = if session % 4 == 0 { 200_000 } else { 2_000 };
                        let message = message(&id, size);
                        let to = format!("{id}@example.com");
                        match client.send("a@example.org", &[&to], &message) {
                            Ok(sent) if sent.is_accepted() => {
                                acknowledged.lock().unwrap().insert(id);
                            }
                            Ok(sent) => panic!("refused: {sent:?}"),
                            Err(_) => break,
                        }
                    }
                }
            })
        });
        let clients = clients.collect();
        Self {
            acknowledged,
            is_over,
            clients,
        }
    }

    fn acknowledged(&self) -> BTreeSet<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    fn stop(self) -> BTreeSet<String> {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        self.acknowledged.lock().unwrap().clone()
    }
}

fn message(id: &str, size: usize) -> String {
    let line = format!("{}\r\n", "x".repeat(70));
    format!("Subject: {id}\r\n\r\n{}", line.repeat(size / line.len()))
}
