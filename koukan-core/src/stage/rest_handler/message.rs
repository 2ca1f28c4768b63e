//! Messages with several transactions: reads them, waits for them, gives them up.

use std::{future::poll_fn, task::Poll, time::Duration};

use tokio::time::Instant;

use crate::{
    fnv::Fnv1a,
    resource::{
        Caller, ListedTransaction, Location, MessageId, MessageOperation, MessageRequest,
        MessageResponse, MessageView, ReadMessage, Refusal, RefusalKind, Role, Version, WaitFor,
    },
    stage::output_handler::AttemptService,
    storage::{Snapshot, Watch},
};

use super::{
    RestHandler,
    read::{CANCEL_WAIT, Waited, is_awaited},
    service::Shared,
    view::{Shown, micros},
};

impl<O: AttemptService> RestHandler<O> {
    pub(super) async fn handle_message(
        self,
        request: MessageRequest,
    ) -> Result<MessageResponse, Refusal> {
        let caller = request.caller;
        let is_read = matches!(request.operation, MessageOperation::Read(_));
        if !is_read && caller.role() < Role::Submit {
            let detail = "the role of the token is to read only";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        match request.operation {
            MessageOperation::Create(create) => self.create_message(caller, *create).await,
            MessageOperation::Read(read) => self.shared.read_message(&caller, read).await,
            MessageOperation::Cancel(id) => self.shared.cancel_message(&caller, id).await,
        }
    }
}

impl Shared {
    async fn read_message(
        &self,
        caller: &Caller,
        read: ReadMessage,
    ) -> Result<MessageResponse, Refusal> {
        let mut watches = self.of_message(caller, read.message).await?;
        let known = read.if_none_match.as_ref();
        let wait = (read.wait, read.wait_for);
        let message = self.message(read.message, &mut watches, wait, known).await;
        Ok(match known == Some(&message.version) {
            true => MessageResponse::Unchanged(message.version),
            false => MessageResponse::Current(message),
        })
    }

    async fn cancel_message(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<MessageResponse, Refusal> {
        let mut watches = self.of_message(caller, id).await?;
        for watch in &watches {
            self.storage.cancel(watch).await?;
        }
        let wait = (Some(CANCEL_WAIT), WaitFor::End);
        let message = self.message(id, &mut watches, wait, None).await;
        Ok(MessageResponse::Current(message))
    }

    /// The kept transactions of a message for which the caller may act.
    pub(super) async fn of_message(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<Vec<Watch>, Refusal> {
        let unknown = || {
            Refusal::not_found("there is no such message; it may have been removed since it ended")
        };
        if id.count() > self.settings.max_recipients {
            return Err(unknown());
        }
        let mut watches = Vec::with_capacity(id.count());
        for transaction in id.transactions() {
            // They end and are removed one by one.
            let Some(mut watch) = self.storage.watch(transaction).await? else {
                continue;
            };
            if !caller.may_act_for(&watch.snapshot().context.sender.name) {
                let detail = "the message is another sender's";
                return Err(Refusal::new(RefusalKind::Forbidden, detail));
            }
            watches.push(watch);
        }
        match watches.is_empty() {
            true => Err(unknown()),
            false => Ok(watches),
        }
    }

    /// Returns a message once each of its transactions is in the requested state, or, if a version is
    /// given, once the version is another one; or when the time is up, or the agent stops.
    pub(super) async fn message(
        &self,
        id: MessageId,
        watches: &mut [Watch],
        (wait, wait_for): (Option<Duration>, WaitFor),
        known: Option<&Version>,
    ) -> MessageView {
        let wait = wait.map(|wait| wait.min(self.settings.max_wait));
        let Some(deadline) = wait.map(|wait| Instant::now() + wait) else {
            return shown(id, watches);
        };
        let waited = match known {
            None => self.wait_for_all(watches, deadline, wait_for).await,
            Some(known) => self.wait_for_news(id, watches, deadline, known).await,
        };
        if waited == Waited::TimeIsUp {
            self.catch_up(watches).await;
        }
        shown(id, watches)
    }

    async fn wait_for_all(
        &self,
        watches: &mut [Watch],
        deadline: Instant,
        wait_for: WaitFor,
    ) -> Waited {
        let is_wanted = |snapshot: &Snapshot, shown: &Shown| {
            shown.view.is_final() || is_awaited(wait_for, snapshot)
        };
        for index in 0..watches.len() {
            let waited = self.wait_among(watches, index, deadline, is_wanted).await;
            if waited != Waited::ForWhatIsWanted {
                return waited;
            }
        }
        Waited::ForWhatIsWanted
    }

    async fn wait_for_news(
        &self,
        id: MessageId,
        watches: &mut [Watch],
        deadline: Instant,
        known: &Version,
    ) -> Waited {
        while shown(id, watches).version == *known {
            match self.change(any_changed(watches), watches, deadline).await {
                Waited::ForWhatIsWanted => {}
                ended => return ended,
            }
        }
        Waited::ForWhatIsWanted
    }
}

/// Waits until one of them has changed since it was last shown.
async fn any_changed(watches: &[Watch]) {
    poll_fn(|cx| {
        // All are polled, so that each of them can wake the task.
        let changed = watches.iter().filter(|it| it.poll_changed(cx).is_ready());
        match changed.count() {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

fn shown(id: MessageId, watches: &mut [Watch]) -> MessageView {
    let mut version = Fnv1a::new(0);
    let transactions = watches.iter_mut().map(|watch| {
        let snapshot = watch.snapshot();
        let shown = Shown::of(&snapshot);
        version.add_text(&snapshot.id.to_string());
        version.add_text(shown.version.as_str());
        ListedTransaction {
            location: Location::of_transaction(snapshot.id),
            created: micros(snapshot.created),
            view: shown.view,
        }
    });
    let transactions = transactions.collect();
    MessageView {
        id,
        transactions,
        version: Version::new(format!("{:016x}", version.get())),
    }
}
