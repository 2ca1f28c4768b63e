//! Transactions that join without a call.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tower::BoxError;

use crate::{
    body::{Body, MessageToken},
    reply::Reply,
    transaction::{Command, Commands, Direct, Pending, Rcpt, Slot, Start, Taker, rescue},
};

use super::{member::Membership, service::Shared};

/// A transaction whose originator takes part without a call: an ordinary member of a group, which gets
/// its commands directly.
struct Partaker {
    commands: Commands,
    stage: Stage,
}

enum Stage {
    /// It has no recipient yet.
    Joining(Box<Joining>),
    Joined(Joined),
    Over,
}

struct Joining {
    shared: Arc<Shared>,
    start: Start,
    /// Until MAIL is answered.
    slot: Option<Slot>,
    has_all_recipients: bool,
}

struct Joined {
    own: Membership,
    has_all_recipients: bool,
    /// Until it is there.
    body: Option<Body>,
}

impl Direct for Arc<Shared> {
    fn start(&self, start: Start) -> Result<(Box<dyn Taker>, Pending), Box<Start>> {
        // A transaction that nobody can share with may bypass the group.
        let token = start.token.as_ref();
        if token.is_none_or(MessageToken::is_only_one) {
            return Err(Box::new(start));
        }
        let commands = Commands::new();
        let (slot, pending) = commands.mail();
        let joining = Joining {
            shared: Self::clone(self),
            start,
            slot: Some(slot),
            has_all_recipients: false,
        };
        let stage = Stage::Joining(Box::new(joining));
        Ok((Box::new(Partaker { commands, stage }), pending))
    }
}

impl Joining {
    fn join(self, first: Command<Rcpt>) -> Joined {
        let Self {
            shared,
            start,
            slot,
            has_all_recipients,
        } = self;
        Joined {
            own: Membership::find(&shared, start, slot, first, true),
            has_all_recipients,
            body: None,
        }
    }

    /// Waits for a recipient.
    fn poll(&mut self) -> Poll<Reply> {
        if self.has_all_recipients {
            return Poll::Ready(Reply::no_valid_recipients());
        }
        // A client that waits for the reply to MAIL before it sends RCPT must not wait for ever.
        if let Some(slot) = self.slot.take() {
            slot.answer(Reply::sender_ok());
        }
        Poll::Pending
    }
}

impl Joined {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, BoxError>> {
        let Membership { group, index } = &self.own;
        if let Some(mut body) = self.body.take() {
            match body.poll_body_ready(cx)? {
                Poll::Ready(()) => group.give(*index, body),
                Poll::Pending => self.body = Some(body),
            }
        }
        group.poll_member(*index, cx).map(Ok)
    }
}

impl Stage {
    fn seat(&mut self, rcpt: Command<Rcpt>) {
        match mem::replace(self, Self::Over) {
            Self::Joining(joining) => *self = Self::Joined(joining.join(rcpt)),
            Self::Joined(joined) => {
                joined.own.group.seat(joined.own.index, rcpt);
                *self = Self::Joined(joined);
            }
            Self::Over => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, BoxError>> {
        match self {
            Self::Joining(joining) => joining.poll().map(Ok),
            Self::Joined(joined) => joined.poll(cx),
            Self::Over => Poll::Pending,
        }
    }
}

impl Taker for Partaker {
    fn rcpt(&mut self, rcpt: Rcpt) -> Pending {
        let (slot, pending) = self.commands.rcpt();
        if let Some(slot) = slot {
            self.stage.seat(Command::new(rcpt, slot));
        }
        pending
    }

    fn data(&mut self) {
        match &mut self.stage {
            Stage::Joining(joining) => joining.has_all_recipients = true,
            Stage::Joined(joined) => {
                if !mem::replace(&mut joined.has_all_recipients, true) {
                    joined.own.group.has_all_recipients(joined.own.index);
                }
            }
            Stage::Over => {}
        }
    }

    fn body(&mut self, body: Body) {
        self.data();
        if let Stage::Joined(joined) = &mut self.stage {
            joined.body = Some(body);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.commands.final_reply().is_none() {
            let result = ready!(self.stage.poll(cx));
            self.end(result.unwrap_or_else(|error| rescue(&error)));
        }
        Poll::Ready(())
    }

    fn final_reply(&self) -> Option<&Reply> {
        self.commands.final_reply()
    }

    fn end(&mut self, reply: Reply) {
        self.abandon();
        self.commands.end(reply);
    }

    fn abandon(&mut self) {
        self.stage = Stage::Over;
    }
}
