//! Task 4: keeps each message until an HTTP server has accepted it: all of it written by hand.

use std::{
    env, io,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mailin_embedded::{Handler, Response, Server, response};
use rusqlite::{Connection, OptionalExtension};

#[derive(Clone)]
struct Enqueue {
    queue: Arc<(Mutex<Connection>, Condvar)>,
    message: Vec<u8>,
}

impl Handler for Enqueue {
    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, _to: &[String]) -> Response {
        self.message.clear();
        response::OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.message.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let queue = self.queue.0.lock().unwrap();
        let insert = "INSERT INTO mail (content, due, tries) VALUES (?1, 0, 0)";
        match queue.execute(insert, [&self.message]) {
            Ok(_) => {
                self.queue.1.notify_one();
                response::OK
            }
            Err(_) => response::INTERNAL_ERROR,
        }
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().cast_signed()
}

fn deliver(queue: &(Mutex<Connection>, Condvar), url: &str) {
    let next = "SELECT id, content, tries FROM mail WHERE due <= ?1 ORDER BY due LIMIT 1";
    let mut connection = queue.0.lock().unwrap();
    loop {
        let row = connection.query_row(next, [now()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, u32>(2)?))
        });
        let Some((id, content, tries)) = row.optional().unwrap() else {
            connection = queue.1.wait_timeout(connection, Duration::from_secs(1)).unwrap().0;
            continue;
        };
        drop(connection);
        let posted = ureq::post(url).content_type("message/rfc822").send(&content);
        connection = queue.0.lock().unwrap();
        match posted {
            Ok(_) => connection.execute("DELETE FROM mail WHERE id = ?1", [id]),
            // The sender is never notified of a failure, and nothing is ever given up.
            Err(_) => connection.execute(
                "UPDATE mail SET due = ?1, tries = tries + 1 WHERE id = ?2",
                [now() + (1 << tries.min(10)), id],
            ),
        }
        .unwrap();
    }
}

fn main() {
    let [_, port, url, file] = env::args().collect::<Vec<_>>().try_into().unwrap();
    let connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    let create = "CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, content BLOB, due INTEGER, tries INTEGER)";
    connection.execute(create, []).unwrap();
    let queue = Arc::new((Mutex::new(connection), Condvar::new()));
    let handler = Enqueue { queue: Arc::clone(&queue), message: Vec::new() };
    thread::spawn(move || deliver(&queue, &url));
    let mut server = Server::new(handler);
    server.with_addr(format!("127.0.0.1:{port}")).unwrap();
    server.with_num_threads(8);
    server.serve().unwrap();
}
