//! The whole site: database, routers, gateways, and their fronts.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    configuration::{Places, Tokens, gateway, router},
    database::Database,
    front::Front,
    ledger::Ledger,
    node::Node,
    plan::{GATEWAYS, ROUTERS},
    process::{comes_within, free_address},
    sink,
    wire::Wire,
};

/// The addresses for clients.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) smtp: SocketAddr,
    pub(crate) rest: SocketAddr,
    pub(crate) token: String,
}

pub(crate) struct Site {
    pub(crate) clients: Clients,
    pub(crate) routers: Vec<Mutex<Node>>,
    pub(crate) gateways: Vec<Mutex<Node>>,
    /// The connection of each router to the database.
    pub(crate) wires: Vec<Wire>,
    pub(crate) database: Mutex<Database>,
    _front: Front,
    directory: TempDir,
    _runtime: Runtime,
}

impl Site {
    pub(crate) fn build(ledger: &Arc<Ledger>) -> Arc<Self> {
        let directory = tempfile::Builder::new().prefix("replicas").tempdir();
        let directory = directory.unwrap();
        let runtime = Runtime::new().unwrap();
        let sink = runtime.block_on(sink::start(ledger));
        let tokens = Arc::new(Tokens::new());
        for (name, token) in [("gateways", &tokens.gateways), ("routers", &tokens.routers)] {
            fs::write(directory.path().join(name), &token.text).unwrap();
        }
        let [smtp, rest, gateways_front] = [(); 3].map(|()| free_address());
        let folder = directory.path().to_owned();
        let shared = Arc::clone(&tokens);
        let places = Arc::new(move |with: &mut dyn FnMut(&Places<'_>) -> String| {
            with(&Places {
                tokens: &shared,
                files: &folder,
                routers: rest,
                gateways: gateways_front,
                sink,
            })
        });
        let database = Database::start();
        let wires: Vec<_> = (0..ROUTERS)
            .map(|_| runtime.block_on(Wire::lay(database.socket())))
            .collect();
        let router_names: Vec<_> = names("router", ROUTERS);
        let routers: Vec<_> = (router_names.iter().zip(&wires))
            .map(|((name, address), wire)| {
                let (url, places) = (wire.url(&database.name), Arc::clone(&places));
                let (own, at) = (name.clone(), *address);
                let configure =
                    move |run| places(&mut |places| router(places, &own, run, &url, at));
                let folder = directory.path().to_owned();
                let mut node = Node::start(name, folder, vec![at], Box::new(configure));
                if at == router_names[0].1 {
                    // This run has made the tables. Writes are checked from before the first real
                    // session.
                    assert!(node.drain().success());
                    database.watch();
                    node.start_again();
                }
                Mutex::new(node)
            })
            .collect();
        let gateway_names: Vec<_> = names("gateway", GATEWAYS);
        let smtp_names: Vec<_> = names("gateway", GATEWAYS);
        let gateways: Vec<_> = (gateway_names.iter().zip(&smtp_names))
            .map(|((name, rest), (_, smtp))| {
                let places = Arc::clone(&places);
                let (own, smtp, rest) = (name.clone(), *smtp, *rest);
                let configure =
                    move |run| places(&mut |places| gateway(places, &own, run, smtp, rest));
                let folder = directory.path().to_owned();
                let node = Node::start(name, folder, vec![smtp, rest], Box::new(configure));
                Mutex::new(node)
            })
            .collect();
        let front = Front::start(
            directory.path(),
            (smtp, &smtp_names),
            [(rest, &router_names), (gateways_front, &gateway_names)],
        );
        Arc::new(Self {
            clients: Clients {
                smtp,
                rest,
                token: tokens.shop.text.clone(),
            },
            routers,
            gateways,
            wires,
            database: Mutex::new(database),
            _front: front,
            directory,
            _runtime: runtime,
        })
    }

    /// Waits until the queue is empty, stops everything, and notes the violations that the database
    /// has found.
    pub(crate) fn close(&self, ledger: &Ledger, limit: Duration) {
        let database = self.database.lock().unwrap();
        let open = "SELECT count(*) FROM transactions WHERE final_reason IS NULL";
        let is_empty = comes_within(limit, || database.ask(open) == "0");
        if !is_empty {
            let stuck = "SELECT id, forward_paths, attempt_count, crash_count, due_at, work, lease_session, \
                         last_reply FROM transactions WHERE final_reason IS NULL LIMIT 20";
            ledger.stuck(&database.ask(stuck));
        }
        for (kind, nodes) in [("router", &self.routers), ("gateway", &self.gateways)] {
            for (number, node) in nodes.iter().enumerate() {
                let status = node.lock().unwrap().drain();
                if !status.success() {
                    ledger.wrong(format!("{kind}-{number} ends with {status}"));
                }
            }
        }
        // One violation in a line, although a row's text has several lines.
        let violations = r"SELECT what, id, translate(before, E'\r\n', '  '), translate(after, E'\r\n', '  ')
            FROM violations LIMIT 20";
        let violations = database.ask(violations);
        for violation in violations.lines() {
            ledger.wrong(format!("a write that should be fenced off: {violation}"));
        }
        let twice = "SELECT forward_paths, count(*) FROM \
            (SELECT forward_paths FROM transactions WHERE sender = 'shop' \
             UNION ALL SELECT forward_paths FROM summaries WHERE sender = 'shop') AS made \
            GROUP BY forward_paths HAVING count(*) > 1";
        for line in database
            .ask(twice)
            .lines()
            .filter(|line| line.contains('@'))
        {
            ledger.wrong(format!("one request has made two transactions: {line}"));
        }
        let failed = "SELECT forward_paths, final_reason, last_reply FROM transactions \
            WHERE final_reason IS NOT NULL AND final_reason <> 'delivered' LIMIT 20";
        ledger.note(format!("ended otherwise: {}", database.ask(failed)));
    }

    /// Keeps the logs of all runs; returns the directory.
    pub(crate) fn keep_logs(&self) -> PathBuf {
        let kept = tempfile::Builder::new().prefix("replicas-logs").tempdir();
        let kept = kept.unwrap().keep();
        for file in fs::read_dir(self.directory.path()).unwrap().flatten() {
            let _ = fs::copy(file.path(), kept.join(file.file_name()));
        }
        kept
    }
}

fn names(kind: &str, count: usize) -> Vec<(String, SocketAddr)> {
    let names = (0..count).map(|number| (format!("{kind}-{number}"), free_address()));
    names.collect()
}
