//! Task 3: adds a field to each message, and prints it.

use std::io;

use mailin_embedded::{Handler, Response, Server, response};

#[derive(Clone, Default)]
struct Stamp {
    message: Vec<u8>,
}

impl Handler for Stamp {
    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, _to: &[String]) -> Response {
        self.message = b"X-Seen-By: an example\r\n".to_vec();
        response::OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.message.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        println!("{}", String::from_utf8_lossy(&self.message));
        response::OK
    }
}

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let mut server = Server::new(Stamp::default());
    server.with_addr(format!("127.0.0.1:{port}")).unwrap();
    server.serve().unwrap();
}
