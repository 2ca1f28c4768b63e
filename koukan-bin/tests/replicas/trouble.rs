//! Makes the troubles.

use std::{
    sync::{Arc, Mutex},
    thread::{self, JoinHandle, sleep},
};

use crate::{
    ledger::Ledger,
    node::Node,
    plan::{Plan, Trouble, What, Whom},
    site::Site,
    wire::Passage,
};

/// Makes all planned troubles; all have ended when this returns.
pub(crate) fn let_befall(site: &Arc<Site>, plan: &Plan, ledger: &Arc<Ledger>) {
    let mut under_way = Vec::new();
    for trouble in &plan.0 {
        sleep(trouble.pause);
        let (site, ledger, trouble) = (Arc::clone(site), Arc::clone(ledger), *trouble);
        under_way.push(thread::spawn(move || befall(&site, trouble, &ledger)));
    }
    // All are joined, even if one has failed: the site ends its processes when the last user is
    // gone.
    let ended: Vec<_> = under_way.into_iter().map(JoinHandle::join).collect();
    for ended in ended {
        ended.unwrap();
    }
}

fn befall(site: &Site, trouble: Trouble, ledger: &Ledger) {
    match trouble.whom {
        Whom::Router(number) => node(&site.routers[number], site, trouble, ledger),
        Whom::Gateway(number) => node(&site.gateways[number], site, trouble, ledger),
        Whom::Database => database(site, trouble, ledger),
    }
}

fn node(node: &Mutex<Node>, site: &Site, trouble: Trouble, ledger: &Ledger) {
    // A part that is already in trouble is left alone.
    let Ok(mut node) = node.try_lock() else {
        return;
    };
    let Trouble { whom, what, .. } = trouble;
    let begun = ledger.begin(whom, what);
    match what {
        What::Kill(down) => {
            node.kill();
            ledger.end(begun);
            sleep(down);
            node.start_again();
        }
        What::Stop(still) => {
            node.signal("STOP");
            sleep(still);
            node.signal("CONT");
            ledger.end(begun);
        }
        What::Silence(time) | What::Cut(time) => {
            let Whom::Router(number) = whom else {
                unreachable!("a gateway has no database");
            };
            let wire = &site.wires[number];
            wire.set(match what {
                What::Cut(_) => Passage::Closed,
                _ => Passage::Silent,
            });
            sleep(time);
            wire.set(Passage::Open);
            ledger.end(begun);
        }
        What::Drain => {
            let status = node.drain();
            ledger.end(begun);
            if !status.success() {
                ledger.wrong(format!("{whom:?} is drained and ends with {status}"));
            }
            node.start_again();
        }
        What::Restart(_) | What::FailOver(_) => unreachable!("a node is no database"),
    }
}

fn database(site: &Site, trouble: Trouble, ledger: &Ledger) {
    let mut database = site.database.lock().unwrap();
    let begun = ledger.begin(trouble.whom, trouble.what);
    database.crash();
    match trouble.what {
        What::Restart(down) => {
            sleep(down);
            database.restart();
        }
        What::FailOver(down) => {
            sleep(down);
            database.fail_over();
            for wire in &site.wires {
                wire.switch(database.socket());
            }
        }
        _ => unreachable!("a database is no node"),
    }
    ledger.end(begun);
}
