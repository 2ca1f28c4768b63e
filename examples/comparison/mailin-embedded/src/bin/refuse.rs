//! Tasks 2 and 5: refuses messages by their content, and tests that.

use std::io;

use mailin_embedded::{Handler, Response, Server, response};

#[derive(Clone, Default)]
struct NoLotteries {
    message: Vec<u8>,
}

impl Handler for NoLotteries {
    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, _to: &[String]) -> Response {
        self.message.clear();
        response::OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.message.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        match String::from_utf8_lossy(&self.message).to_lowercase().contains("lottery") {
            true => Response::custom(550, "5.7.1 no lotteries here".into()),
            false => response::OK,
        }
    }
}

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let mut server = Server::new(NoLotteries::default());
    server.with_addr(format!("127.0.0.1:{port}")).unwrap();
    server.serve().unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply_to(message: &[u8]) -> u16 {
        let mut handler = NoLotteries::default();
        handler.data_start("x.example", "a@x.example", false, &[]);
        handler.data(message).unwrap();
        handler.data_end().code
    }

    #[test]
    fn lotteries_are_refused() {
        assert_eq!(reply_to(b"\r\nwin the lottery\r\n"), 550);
    }

    #[test]
    fn all_else_is_taken() {
        assert_eq!(reply_to(b"\r\nhello\r\n"), 250);
    }
}
