//! Clients that send one message after another, also across kills.

mod create;
mod smtp;
mod upload;
pub(super) mod views;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use super::{
    agent::Agent,
    book::Book,
    plan::{Letter, Way},
};

/// Two clients of each kind, except for those that wait for nothing.
const CLIENTS: [(Way, &str); 10] = [
    (Way::One, "sa"),
    (Way::One, "sb"),
    (Way::Several, "ma"),
    (Way::Several, "mb"),
    (Way::Ingress, "ia"),
    (Way::Create, "ca"),
    (Way::Wait, "wa"),
    (Way::Wait, "wb"),
    (Way::Upload, "ua"),
    (Way::Upload, "ub"),
];

/// The pause before an agent that does not answer is asked again.
const PAUSE: Duration = Duration::from_millis(15);

pub(super) struct Load {
    is_over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// What each client uses.
#[derive(Clone)]
struct Client {
    seed: u64,
    way: Way,
    name: &'static str,
    submission: SocketAddr,
    ingress: SocketAddr,
    rest: SocketAddr,
    book: Arc<Book>,
    is_over: Arc<AtomicBool>,
}

impl Load {
    pub(super) fn start(seed: u64, agent: &Agent, book: &Arc<Book>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let clients = CLIENTS.map(|(way, name)| {
            let client = Client {
                seed,
                way,
                name,
                submission: agent.submission,
                ingress: agent.ingress,
                rest: agent.rest,
                book: Arc::clone(book),
                is_over: Arc::clone(&is_over),
            };
            thread::spawn(move || client.run())
        });
        Self {
            is_over,
            clients: clients.into(),
        }
    }

    /// Lets each client finish what it has begun, while the agent runs.
    pub(super) fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

impl Client {
    fn run(self) {
        match self.way {
            Way::One | Way::Several | Way::Ingress => smtp::run(&self),
            Way::Create | Way::Wait => create::run(&self),
            Way::Upload => upload::run(&self),
        }
    }

    /// Messages until the load is over.
    fn letters(&self) -> impl Iterator<Item = Letter> + '_ {
        let letters = (0..).map(|number| Letter::choose(self.seed, self.way, self.name, number));
        let letters = letters.take_while(|_| !self.is_over());
        letters.inspect(|letter| self.book.expect(letter))
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Waits until the agent may be running again.
    fn pause(&self) {
        sleep(PAUSE);
    }
}
