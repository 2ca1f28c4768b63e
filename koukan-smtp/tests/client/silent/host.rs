//! A host that falls silent.

use std::{
    fmt,
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use koukan_core::{
    network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver},
    test_util::TokioClock,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex},
    sync::Notify,
};

/// What the host is silent to; nothing after it is answered either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silent {
    Connection,
    Greeting,
    Hello,
    Mail,
    Rcpt,
    Data,
    /// It takes no octets any more amid the message.
    Body,
    /// The end of the message.
    End,
}

/// A host that falls silent, and says what it was sent once it is told to go on.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) silent: Silent,
    /// The recipients of each whole message.
    whole: Arc<Mutex<Vec<usize>>>,
    pub(super) goes_on: Arc<Notify>,
    /// That of all agents, also of one that starts later.
    pub(super) clock: Arc<TokioClock>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    pub(super) fn new(silent: Silent) -> Self {
        Self {
            silent,
            whole: Arc::default(),
            goes_on: Arc::default(),
            clock: Arc::default(),
        }
    }

    pub(super) fn whole(&self) -> Vec<usize> {
        self.whole.lock().unwrap().clone()
    }

    async fn serve(self, io: DuplexStream) -> io::Result<()> {
        let mut io = BufReader::new(io);
        let (mut line, mut rcpts) = (String::new(), 0);
        if self.silent == Silent::Greeting {
            pending::<()>().await;
        }
        io.write_all(b"220 mx.example\r\n").await?;
        loop {
            line.clear();
            if io.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (verb, _) = line.trim_end().split_at(4);
            let silent_to = match verb {
                "EHLO" => Silent::Hello,
                "MAIL" => Silent::Mail,
                "RCPT" => Silent::Rcpt,
                "DATA" => Silent::Data,
                _ => Silent::Connection,
            };
            if silent_to == self.silent {
                pending::<()>().await;
            }
            match verb {
                "RCPT" => rcpts += 1,
                "MAIL" | "RSET" => rcpts = 0,
                "QUIT" => return Ok(()),
                "DATA" => {
                    io.write_all(b"354 go\r\n").await?;
                    if self.silent == Silent::Body {
                        pending::<()>().await;
                    }
                    loop {
                        line.clear();
                        if io.read_line(&mut line).await? == 0 {
                            return Ok(());
                        }
                        if line == ".\r\n" {
                            break;
                        }
                    }
                    self.whole.lock().unwrap().push(rcpts);
                    self.goes_on.notified().await;
                }
                _ => {}
            }
            io.write_all(b"250 ok\r\n").await?;
        }
    }
}

#[async_trait]
impl Connector for Host {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        if self.silent == Silent::Connection {
            pending::<()>().await;
        }
        let (ours, theirs) = duplex(4096);
        tokio::spawn(self.clone().serve(theirs));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Host {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Ok(DnsAnswer::insecure([[192, 0, 2, 1].into()]))
    }
}
