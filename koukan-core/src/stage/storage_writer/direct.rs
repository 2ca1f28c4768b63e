//! Transactions that come without a call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, ready},
};

use crate::{
    body::Body,
    reply::Reply,
    stage::output_handler::AttemptService,
    storage::Exhausted,
    transaction::{Command, Commands, Direct, Panicked, Pending, Rcpt, Start, Taker, rescue},
};

use super::{service::StorageWriter, writing::Writing};

/// A transaction that is written as its originator gives it.
struct Written {
    commands: Commands,
    /// Present until it has ended.
    writing: Option<Writing>,
    has_all_recipients: bool,
}

impl<O: AttemptService> Direct for StorageWriter<O> {
    fn start(&self, start: Start) -> Result<(Box<dyn Taker>, Pending), Box<Start>> {
        let mut commands = Commands::new();
        let (slot, mail) = commands.mail();
        // No call around it would contain a bug of the output's.
        let begun = catch_unwind(AssertUnwindSafe(|| self.begin(start)));
        let writing = match begun {
            Ok(Ok(mut writing)) => {
                writing.open_mail(slot);
                Some(writing)
            }
            Ok(Err(Exhausted)) => {
                commands.end(Reply::insufficient_storage());
                None
            }
            Err(panic) => {
                commands.end(rescue(&Panicked::new(panic).into()));
                None
            }
        };
        let written = Written {
            commands,
            writing,
            has_all_recipients: false,
        };
        Ok((Box::new(written), mail))
    }
}

impl Taker for Written {
    fn rcpt(&mut self, rcpt: Rcpt) -> Pending {
        let (slot, pending) = self.commands.rcpt();
        if let Some(slot) = slot
            && let Some(writing) = &mut self.writing
        {
            writing.rcpt(Command::new(rcpt, slot));
        }
        pending
    }

    fn data(&mut self) {
        if let Some(writing) = &self.writing
            && !self.has_all_recipients
        {
            writing.finish_recipients();
            self.has_all_recipients = true;
        }
    }

    fn body(&mut self, body: Body) {
        self.data();
        if let Some(writing) = &mut self.writing {
            writing.give(body);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(writing) = &mut self.writing {
            let end = ready!(writing.poll_end(cx));
            self.end(end.unwrap_or_else(|error| rescue(&error)));
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
        self.writing = None;
    }
}
