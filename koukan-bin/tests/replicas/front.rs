//! haproxy in front of all. It sends connections and requests to one server after another. The path
//! of a transaction begins with the name of the server that has it, and requests for it go there.

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path};

use crate::{
    peers::peer,
    process::{Process, await_listener},
};

/// The servers behind a front, with names and addresses.
pub(crate) type Behind<'a> = [(String, SocketAddr)];

pub(crate) struct Front(#[allow(dead_code, reason = "it runs until it is dropped")] Process);

impl Front {
    pub(crate) fn start(
        directory: &Path,
        (smtp, smtp_servers): (SocketAddr, &Behind<'_>),
        rest: [(SocketAddr, &Behind<'_>); 2],
    ) -> Self {
        let mut text =
            "defaults\n timeout connect 1s\n timeout client 120s\n timeout server 120s\n \
             timeout check 2s\n retries 3\n option redispatch\n\
             default-server inter 300ms fall 2 rise 1\n"
                .to_owned();
        // The health check says that the connection is haproxy's own, and not a client's.
        let _ = writeln!(
            text,
            "listen smtp\n mode tcp\n bind {smtp}\n balance roundrobin\n option smtpchk EHLO haproxy.example"
        );
        for (name, address) in smtp_servers {
            let _ = writeln!(
                text,
                " server {name} {address} check send-proxy-v2 check-send-proxy"
            );
        }
        for (number, (address, servers)) in rest.into_iter().enumerate() {
            rest_front(&mut text, number, address, servers);
        }
        let file = directory.join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let process = Process::start(peer("haproxy").args(["-q", "-db", "-f"]).arg(&file));
        await_listener(smtp);
        for (address, _) in rest {
            await_listener(address);
        }
        Self(process)
    }
}

fn rest_front(text: &mut String, number: usize, address: SocketAddr, servers: &Behind<'_>) {
    let _ = writeln!(text, "frontend rest{number}\n mode http\n bind {address}");
    for (name, _) in servers {
        let _ = writeln!(text, " use_backend {name} if {{ path_beg /{name}/ }}");
    }
    let _ = writeln!(text, " default_backend all{number}");
    let checked =
        " mode http\n balance roundrobin\n option httpchk GET /readyz\n retry-on conn-failure\n";
    let _ = write!(text, "backend all{number}\n{checked}");
    for (name, address) in servers {
        let _ = writeln!(text, " server {name} {address} check");
    }
    for (name, address) in servers {
        let _ = write!(text, "backend {name}\n{checked}");
        let _ = writeln!(text, " http-request set-path %[path,regsub(^/{name}/,/)]");
        let _ = writeln!(text, " server {name} {address} check");
        // Another router can answer about committed transactions while their own router is down. A
        // gateway's transactions are only in that gateway.
        let others = servers.iter().filter(|(other, _)| other != name);
        for (other, address) in others.filter(|(other, _)| other.starts_with("router")) {
            let _ = writeln!(text, " server {other} {address} check backup");
        }
    }
}
