//! A peer in Python, and requests to it.

use std::{path::Path, process::Stdio, time::Duration};

use koukan_core::{
    body::Body,
    resource::{
        Create, Draft, Location, Operation, Read, ResourceRequest, ResourceResponse, Upload,
        WaitFor,
    },
};
use koukan_rest::client::{Client, ClientError, ClientSettings};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};
use tower::ServiceExt;

/// A Python process that prints what it receives. It is killed when this is dropped.
pub(crate) struct Peer {
    _process: Child,
    events: mpsc::Receiver<String>,
    pub(crate) port: u16,
}

impl Peer {
    /// A peer that answers according to these rules.
    pub(crate) async fn start(rules: Value) -> Self {
        Self::run("peer.py", &[rules.to_string()]).await
    }

    /// A peer that always gives this answer.
    pub(crate) async fn answering(rule: Value) -> Self {
        let mut rule = rule;
        rule.as_object_mut().unwrap().remove("times");
        Self::start(Value::Array(vec![rule])).await
    }

    pub(crate) async fn run(script: &str, arguments: &[String]) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
        let mut process = Command::new("python3")
            .arg(directory.join(script))
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 is installed");
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        // Read at once, so that the peer never waits for its test.
        let (sender, events) = mpsc::channel(10_000);
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
        });
        let mut this = Self {
            _process: process,
            events,
            port: 0,
        };
        let ready = this.event().await;
        this.port = ready["port"].as_u64().unwrap().try_into().unwrap();
        this
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Value {
        let line = timeout(Duration::from_secs(20), self.events.recv());
        let line = line.await.expect("the peer tells something in time");
        serde_json::from_str(&line.expect("the peer is running")).unwrap()
    }

    /// The next event of that kind.
    pub(crate) async fn next(&mut self, kind: &str) -> Value {
        loop {
            let event = self.event().await;
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Whether the peer received no further request.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let event = timeout(Duration::from_millis(200), self.next("request"));
        event.await.is_err()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(ClientSettings::default())
    }

    pub(crate) fn client_with(&self, settings: ClientSettings) -> Client {
        Client::new(&self.url(), settings).unwrap()
    }
}

pub(crate) async fn ask(
    client: &Client,
    operation: Operation,
) -> Result<ResourceResponse, ClientError> {
    let request = ResourceRequest::trusted(operation);
    client.clone().oneshot(request).await
}

pub(crate) fn create() -> Operation {
    Operation::Create(Box::new(Create {
        sender: koukan_core::context::Sender::new("app"),
        draft: Draft {
            rcpt_to: vec![koukan_core::test_util::rcpt("b@y")],
            ..Draft::default()
        },
        wait: None,
        wait_for: WaitFor::End,
        idempotency_key: None,
    }))
}

pub(crate) fn create_with_key() -> Operation {
    let Operation::Create(mut create) = create() else {
        unreachable!("it is a create");
    };
    create.idempotency_key = Some("K".into());
    Operation::Create(create)
}

pub(crate) fn read() -> Operation {
    Operation::Read(Read {
        transaction: Location::new("/transactions/T"),
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    })
}

pub(crate) fn upload(to: &str, content: Body) -> Operation {
    Operation::Upload(Upload {
        to: Location::new(to),
        range: None,
        content,
    })
}
