//! An application that sends messages to several recipients, each by one request.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::{
    context::Sender,
    path::{ForwardPath, ReversePath},
    reply::Reply,
    resource::{
        BodySource, Caller, Create, Draft, MessageId, MessageOperation, MessageRequest,
        MessageResponse, MessageService, MessageView, ReadMessage, RefusalKind, View, WaitFor,
    },
    transaction::{Mail, Rcpt},
};
use tokio::time::sleep;
use tower::ServiceExt as _;

use super::rest_client::SENDER;
use crate::{
    plan::{Letter, MessagePlan, To},
    world::World,
};

/// How often a request that failed is repeated.
const TRIES: usize = 3;

/// How long a client waits before it repeats a request.
const PAUSE: Duration = Duration::from_secs(60);

/// A client with several messages, which it sends one after the other.
pub(crate) struct MessageClient<H> {
    pub(crate) plan: MessagePlan,
    pub(crate) world: Arc<World>,
    pub(crate) handler: H,
}

impl<H: MessageService> MessageClient<H> {
    pub(crate) async fn run(self) {
        for letter in &self.plan.letters {
            self.world.account(letter, |_| ());
        }
        for letter in &self.plan.letters {
            self.send(letter).await;
        }
    }

    /// Continues after a restart of the agent with the messages that were not promised.
    pub(crate) async fn come_again(self) {
        sleep(PAUSE).await;
        for letter in &self.plan.letters {
            let is_done = self.world.account(letter, |account| {
                !account.promised.is_empty() || account.is_withdrawn
            });
            if !is_done {
                self.send(letter).await;
            }
        }
    }

    async fn send(&self, letter: &Letter) {
        let create = || MessageOperation::Create(Box::new(self.request(letter, "key")));
        let created = self.ask_again(letter, create).await;
        let Some(MessageResponse::Created { message, .. }) = created else {
            return;
        };
        if message.id.count() != letter.to.len() {
            self.violation(letter, "has not one transaction for each recipient");
        }
        self.promised(letter);
        self.saw(letter, &message);
        if let Some(after) = self.plan.repeated {
            sleep(after).await;
            match self.ask_again(letter, create).await {
                Some(MessageResponse::Created {
                    message: again,
                    is_replayed,
                }) if !is_replayed || again.id != message.id => {
                    self.violation(letter, "creates the same twice, and there are two");
                }
                _ => {}
            }
        }
        if let Some(after) = self.plan.cancelled {
            sleep(after).await;
            self.cancel(letter, message.id).await;
        }
        let read = || {
            MessageOperation::Read(ReadMessage {
                message: message.id,
                if_none_match: None,
                wait: self.plan.wait,
                wait_for: WaitFor::End,
            })
        };
        if let Some(MessageResponse::Current(now)) = self.ask_again(letter, read).await {
            self.saw(letter, &now);
        }
    }

    fn request(&self, letter: &Letter, key: &str) -> Create {
        let number = letter.number;
        let from: ReversePath = format!("s{number}@clients.test")
            .parse()
            .expect("an address");
        let rcpts = letter.to.iter().map(|to| {
            let path: ForwardPath = to.address(number).parse().expect("an address");
            Rcpt::new(path)
        });
        Create {
            sender: Sender::new(SENDER),
            draft: Draft {
                mail_from: Some(Mail::new(from)),
                rcpt_to: rcpts.collect(),
                body: Some(BodySource::Inline(Bytes::from(letter.content()))),
                ..Draft::default()
            },
            wait: self.plan.wait,
            wait_for: WaitFor::default(),
            idempotency_key: Some(format!("{key}-{number}").into()),
        }
    }

    /// All recipients are promised from now on.
    fn promised(&self, letter: &Letter) {
        let now = self.world.elapsed();
        self.world.account(letter, |account| {
            if account.is_withdrawn {
                return;
            }
            for to in account.letter.to.clone() {
                account.promised.entry(to).or_insert(now);
            }
        });
    }

    async fn cancel(&self, letter: &Letter, message: MessageId) {
        self.world.account(letter, |account| {
            account.is_withdrawn = true;
            account.promised.clear();
        });
        let cancel = || MessageOperation::Cancel(message);
        if let Some(MessageResponse::Current(now)) = self.ask_again(letter, cancel).await {
            self.saw(letter, &now);
        }
    }

    /// Checks that the reported state of each recipient is true.
    fn saw(&self, letter: &Letter, message: &MessageView) {
        let mut ledger = self.world.ledger();
        for one in &message.transactions {
            for to in recipients(&one.view) {
                let key = (letter.number, to);
                let is_delivered = one.view.is_final()
                    && one
                        .view
                        .data_response
                        .as_ref()
                        .is_some_and(Reply::is_positive);
                let has_it = !ledger.deliveries_of(&key).is_empty();
                if is_delivered && !has_it && !ledger.confused.contains(&key) {
                    let address = to.address(letter.number);
                    ledger.violation(format!(
                        "{address} is said to be delivered, and got nothing"
                    ));
                }
                if one.view.cancelled && one.view.is_final() && !has_it {
                    ledger.withdrawn.insert(key);
                }
            }
        }
    }

    async fn ask_again(
        &self,
        letter: &Letter,
        operation: impl Fn() -> MessageOperation,
    ) -> Option<MessageResponse> {
        for _ in 0..TRIES {
            match self.ask(letter, operation()).await {
                Some(MessageResponse::Refused(refusal)) if is_passing(&refusal.kind) => {}
                Some(answer) => return Some(answer),
                None => {}
            }
            sleep(PAUSE).await;
        }
        None
    }

    fn ask(
        &self,
        letter: &Letter,
        operation: MessageOperation,
    ) -> impl Future<Output = Option<MessageResponse>> + '_ {
        let number = letter.number;
        let who = move || format!("application of {number}");
        self.world.tell_by(who, || match &operation {
            MessageOperation::Create(create) => {
                let to = create.draft.rcpt_to.iter();
                let to: Vec<_> = to.map(|rcpt| rcpt.forward_path.as_str()).collect();
                format!("creates a message to {to:?}")
            }
            MessageOperation::Read(_) => "asks what has become of its message".into(),
            MessageOperation::Cancel(_) => "cancels its message".into(),
        });
        let request = MessageRequest {
            caller: Caller::trusted(),
            operation,
        };
        let answer = self.handler.clone().oneshot(request);
        async move {
            let answer = answer.await.ok();
            self.world.tell_by(who, || match &answer {
                Some(MessageResponse::Refused(refusal)) => format!("is refused: {refusal}"),
                Some(MessageResponse::Created { is_replayed, .. }) => {
                    format!("hears that it is made, before: {is_replayed}")
                }
                Some(_) => "hears of it".into(),
                None => "gets no answer".into(),
            });
            answer
        }
    }

    fn violation(&self, letter: &Letter, what: &str) {
        let number = letter.number;
        self.world
            .violation(format!("the application of {number} {what}"));
    }
}

/// The recipients of a transaction.
fn recipients(view: &View) -> impl Iterator<Item = To> + '_ {
    let recipients = view.details.iter().flat_map(|details| &details.recipients);
    recipients.filter_map(|it| Some(To::parse(it.rcpt.forward_path.as_str())?.1))
}

/// Whether repeating the request may help.
fn is_passing(kind: &RefusalKind) -> bool {
    use RefusalKind::{Internal, TooMany, Unavailable};

    matches!(kind, TooMany { .. } | Unavailable { .. } | Internal)
}
