//! Creating a transaction, and uploading its message.

use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    body::Body,
    context::Sender,
    path::{ForwardPath, ReversePath},
    resource::{
        BodySource, Create, Created, Draft, Location, Operation, Range, RefusalKind,
        ResourceResponse, ResourceService, Upload as Octets, View, WaitFor,
    },
    transaction::{Mail, Rcpt},
};
use tokio::time::sleep;

use super::{RestClient, SENDER, TRIES};
use crate::{plan::Upload, world::World};

impl<H: ResourceService> RestClient<H> {
    pub(crate) async fn create(&self) -> Option<Created> {
        let create = self.request();
        let answer = self.ask_again(create.wait, || Operation::Create(Box::new(create.clone())));
        let ResourceResponse::Created(created) = answer.await? else {
            return None;
        };
        if self.plan.upload == Upload::Inline {
            self.promised();
        }
        Some(created)
    }

    fn request(&self) -> Create {
        let letter = &self.plan.letter;
        let from: ReversePath = format!("s{}@clients.test", letter.number)
            .parse()
            .expect("an address");
        let rcpts = letter.to.iter().map(|to| {
            let path: ForwardPath = to.address(letter.number).parse().expect("an address");
            Rcpt::new(path)
        });
        let body = BodySource::Inline(Bytes::from(letter.content()));
        Create {
            sender: Sender::new(SENDER),
            draft: Draft {
                mail_from: Some(Mail::new(from)),
                rcpt_to: rcpts.collect(),
                body: Some(body).filter(|_| self.plan.upload == Upload::Inline),
                send_at: self.plan.send_at.map(World::time_of_day),
                ..Draft::default()
            },
            wait: self.plan.wait,
            wait_for: WaitFor::default(),
            idempotency_key: Some(format!("key-{}", letter.number).into()),
        }
    }

    /// Repeats the create, and creates something else with the same key.
    pub(crate) async fn repeat(&self, first: &Created) {
        let again = self.request();
        let again = self.ask_again(again.wait, || Operation::Create(Box::new(again.clone())));
        if let Some(ResourceResponse::Created(again)) = again.await
            && (!again.is_replayed || again.location != first.location)
        {
            self.violation("creates the same twice, and there are two");
        }
        let mut other = self.request();
        other.draft.mail_from = Some(Mail::new(ReversePath::Null));
        let other = self.ask_again(other.wait, || Operation::Create(Box::new(other.clone())));
        if let Some(ResourceResponse::Created(_)) = other.await {
            self.violation("creates something else with the same key");
        }
    }

    pub(crate) async fn upload(&self, created: &Created) {
        let Some(to) = place(&created.view) else {
            return;
        };
        match self.plan.upload {
            Upload::Inline => {}
            Upload::Pieces(pieces, pause) => self.upload_pieces(&to, pieces, pause).await,
            Upload::Broken => self.upload_half(&to).await,
        }
    }

    async fn upload_pieces(&self, to: &Location, pieces: u8, pause: Duration) {
        let content = Bytes::from(self.plan.letter.content());
        let total = content.len();
        let (mut start, mut piece, mut tries) = (0, 1, 0);
        while piece <= usize::from(pieces) && tries < TRIES {
            sleep(pause).await;
            let end = total * piece / usize::from(pieces);
            let octets = content.slice(start.min(end)..end);
            let range = (pieces > 1 || start > 0).then(|| Range {
                start: start.min(end) as u64,
                end: Some(end as u64),
                total: Some(total as u64),
            });
            match self.upload_range(to, range, octets).await {
                Some(ResourceResponse::Uploaded(uploaded)) => {
                    if uploaded.finalized {
                        self.promised();
                        return;
                    }
                    (start, piece) = (end, piece + 1);
                }
                Some(ResourceResponse::Refused(refusal)) => {
                    // The upload continues at the offset that the agent names.
                    let RefusalKind::WrongRange { len, .. } = refusal.kind else {
                        return;
                    };
                    start = usize::try_from(len).unwrap_or(total).min(total);
                    tries += 1;
                }
                _ => return,
            }
        }
    }

    /// Uploads half of a message, without an end.
    async fn upload_half(&self, to: &Location) {
        let content = Bytes::from(self.plan.letter.content());
        let half = content.len() / 2;
        let range = Range {
            start: 0,
            end: Some(half as u64),
            total: None,
        };
        self.upload_range(to, Some(range), content.slice(..half))
            .await;
    }

    async fn upload_range(
        &self,
        to: &Location,
        range: Option<Range>,
        octets: Bytes,
    ) -> Option<ResourceResponse> {
        let upload = || {
            Operation::Upload(Octets {
                to: to.clone(),
                range,
                content: Body::from(octets.clone()),
            })
        };
        self.ask_again(None, upload).await
    }
}

/// Where the message is to be uploaded.
fn place(view: &View) -> Option<Location> {
    let status = view.body.as_ref()?.blob_status.as_ref()?;
    Some(status.uri.clone())
}
