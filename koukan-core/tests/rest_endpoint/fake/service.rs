//! Answers requests.

use std::{
    future::pending,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use koukan_core::{
    resource::{
        Append, BodySource, Create, Created, Location, Operation, ParsedUpload, Read, Refusal,
        RefusalKind, ResourceRequest, ResourceResponse, Target,
    },
    signals::Carried,
};
use tokio::time::{Instant, sleep, timeout_at};
use tower::{BoxError, Service};

use super::{Fake, Fault, Kind, State, Transaction};

pub(super) type Answer = Result<ResourceResponse, BoxError>;

impl Service<ResourceRequest> for Fake {
    type Response = ResourceResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ResourceRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.answer(request.operation).await })
    }
}

impl Fake {
    async fn answer(self, operation: Operation) -> Answer {
        let (kind, line) = describe(&operation);
        let fault = {
            let mut state = self.lock();
            state.log.push(line);
            if let Operation::Create(create) = &operation {
                state.creates.push((**create).clone());
            }
            let fault = state.faults.iter().position(|(other, _)| *other == kind);
            fault.map(|fault| state.faults.remove(fault).1)
        };
        match fault {
            Some(Fault::Refuse(kind)) => return Ok(Refusal::new(kind, "no").into()),
            Some(Fault::Lose) => return Err("the request was lost".into()),
            Some(Fault::LoseAnswer) => {
                self.grant(operation, None).await?;
                return Err("the answer was lost".into());
            }
            Some(Fault::Hang) if kind == Kind::Create => sleep(Duration::from_secs(3600)).await,
            Some(Fault::Hang) => pending().await,
            Some(Fault::BreakAfter(chunks)) => return self.grant(operation, Some(chunks)).await,
            None => {}
        }
        self.grant(operation, None).await
    }

    async fn grant(&self, operation: Operation, chunks_max: Option<usize>) -> Answer {
        match operation {
            Operation::Create(create) => Ok(self.create(*create)),
            Operation::Read(read) => self.read(read).await,
            Operation::Append(append) => Ok(self.append(*append)),
            Operation::Upload(upload) => self.upload(upload, chunks_max).await,
            Operation::Parsed(parsed) => Ok(self.parsed(parsed)),
            Operation::Cancel(location) => Ok(self.cancel(&location)),
            Operation::List(_) => Ok(Refusal::malformed("not here").into()),
        }
    }

    fn create(&self, create: Create) -> ResourceResponse {
        let mut state = self.lock();
        let known = state.transactions.iter().position(|transaction| {
            create.idempotency_key.is_some()
                && transaction.create.idempotency_key == create.idempotency_key
        });
        let id = known.unwrap_or_else(|| {
            let id = state.transactions.len();
            let transaction = Transaction::new(id, create, &state.script);
            state.transactions.push(transaction);
            id
        });
        let transaction = &state.transactions[id];
        ResourceResponse::Created(Created {
            location: Location::of_transaction(id),
            view: Box::new(transaction.view.clone()),
            version: transaction.version(),
            is_replayed: known.is_some(),
        })
    }

    async fn read(&self, read: Read) -> Answer {
        let mut changes = self.changes.subscribe();
        let deadline = Instant::now() + read.wait.unwrap_or_default();
        loop {
            {
                let mut state = self.lock();
                let is_plain = state.script.is_plain;
                let Some(transaction) = state.at(&read.transaction) else {
                    return Ok(Refusal::not_found("no such transaction").into());
                };
                let is_known = Some(transaction.version()) == read.if_none_match;
                if !is_known || is_plain {
                    return Ok(current(transaction));
                }
                let version = transaction.version();
                if state.is_hasty || deadline <= Instant::now() {
                    return Ok(ResourceResponse::Unchanged(version));
                }
            }
            let _ = timeout_at(deadline, changes.changed()).await;
        }
    }

    fn append(&self, append: Append) -> ResourceResponse {
        let mut state = self.lock();
        let script = state.script.clone();
        let Some(transaction) = state.at(&append.transaction) else {
            return Refusal::not_found("no such transaction").into();
        };
        if !script.is_incremental {
            return Refusal::malformed("not incremental").into();
        }
        if append.if_match != Some(transaction.version()) {
            return Refusal::new(RefusalKind::VersionMismatch, "another version").into();
        }
        if append.draft.is_empty() {
            return current(transaction);
        }
        let is_next = append.rcpt_to_list_offset == Some(transaction.rcpt_to.len());
        if !is_next && !append.draft.rcpt_to.is_empty() {
            return Refusal::new(RefusalKind::Conflict, "not the next recipients").into();
        }
        transaction.add(append.draft.rcpt_to, &script);
        transaction.version += 1;
        let current = current(transaction);
        drop(state);
        self.changed();
        current
    }

    fn parsed(&self, parsed: ParsedUpload) -> ResourceResponse {
        let mut state = self.lock();
        let Some(transaction) = state.at(&parsed.to) else {
            return Refusal::not_found("no such transaction").into();
        };
        transaction.take_parsed(parsed.message);
        current(transaction)
    }

    fn cancel(&self, location: &Location) -> ResourceResponse {
        let mut state = self.lock();
        let Some(transaction) = state.at(location) else {
            return Refusal::not_found("no such transaction").into();
        };
        if !transaction.view.is_final() {
            transaction.view.cancelled = true;
            transaction.view.final_attempt_reason = Some("cancelled".into());
            transaction.version += 1;
        }
        let current = current(transaction);
        drop(state);
        self.changed();
        current
    }
}

impl State {
    pub(super) fn at(&mut self, location: &Location) -> Option<&mut Transaction> {
        let id = match location.target() {
            Ok(Target::Transaction(id) | Target::MessageBuilder(id) | Target::Cancel(id)) => id,
            _ => return None,
        };
        let id: usize = id.parse().ok()?;
        self.transactions.get_mut(id)
    }
}

fn current(transaction: &Transaction) -> ResourceResponse {
    ResourceResponse::Current {
        view: Box::new(transaction.view.clone()),
        version: transaction.version(),
    }
}

fn describe(operation: &Operation) -> (Kind, String) {
    match operation {
        Operation::Create(create) => {
            let draft = &create.draft;
            let rcpts = paths(&draft.rcpt_to);
            let body = match &draft.body {
                Some(BodySource::Inline(_)) => " inline",
                _ => "",
            };
            (Kind::Create, format!("create [{rcpts}]{body}"))
        }
        Operation::Read(_) => (Kind::Read, "read".into()),
        Operation::Append(append) if append.draft.is_empty() => (Kind::Append, "heartbeat".into()),
        Operation::Append(append) => {
            let mut line = "append".to_owned();
            if let Some(offset) = append.rcpt_to_list_offset {
                let rcpts = paths(&append.draft.rcpt_to);
                line.push_str(&format!(" {offset} [{rcpts}]"));
            }
            let signals = append.draft.filter_output.iter();
            for (name, value) in signals.filter(|(name, _)| *name != Carried::TRACE_ID) {
                line.push_str(&format!(" {name}={value}"));
            }
            (Kind::Append, line)
        }
        Operation::Upload(upload) => (Kind::Upload, format!("upload {}", upload.to)),
        Operation::Parsed(parsed) => (Kind::Parsed, format!("parsed {}", parsed.to)),
        Operation::Cancel(location) => (Kind::Cancel, format!("cancel {location}")),
        Operation::List(_) => (Kind::Read, "list".into()),
    }
}

fn paths(rcpts: &[koukan_core::transaction::Rcpt]) -> String {
    let paths = rcpts.iter().map(|rcpt| rcpt.forward_path.as_str());
    paths.collect::<Vec<_>>().join(" ")
}
