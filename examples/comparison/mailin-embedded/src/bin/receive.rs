//! Task 1: receives mail, and prints it.

use std::io;

use mailin_embedded::{Handler, Response, Server, response};

#[derive(Clone, Default)]
struct Print {
    from: String,
    to: Vec<String>,
    message: Vec<u8>,
}

impl Handler for Print {
    fn data_start(&mut self, _domain: &str, from: &str, _is8bit: bool, to: &[String]) -> Response {
        *self = Self { from: from.into(), to: to.into(), message: Vec::new() };
        response::OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.message.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        println!("{} {:?} {}", self.from, self.to, self.message.len());
        response::OK
    }
}

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let mut server = Server::new(Print::default());
    server.with_addr(format!("127.0.0.1:{port}")).unwrap();
    server.with_num_threads(8);
    server.serve().unwrap();
}
