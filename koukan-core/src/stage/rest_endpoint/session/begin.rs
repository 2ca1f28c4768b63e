//! Begins the requests that can be made now.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{reply::Reply, resource::ResourceService, signals::Parsed};

use super::{
    super::{
        message::{Content, Message, Progress, send},
        request::{Group, Known, append, watch},
    },
    Appending, Sending, Session, Stage,
};

/// How long recipients or a message may be on their way before upstream is also watched.
const UNWATCHED: Duration = Duration::from_millis(100);

impl<R: ResourceService> Session<'_, R> {
    pub(super) fn begin(&mut self) {
        self.begin_append();
        self.begin_send();
        self.begin_watch();
    }

    /// Tells upstream of the recipients that have arrived since the last request.
    fn begin_append(&mut self) {
        let replies = &mut self.delivery.intake.replies;
        if replies.recipients() == self.told {
            return;
        }
        if !self.delivery.settings.is_incremental {
            replies.refuse_from(self.told, &Reply::too_many_recipients());
            return;
        }
        if self.appending.is_none() {
            let rcpt_to = replies.tell_from(self.told, self.delivery.settings.timeouts.rcpt);
            let offset = std::mem::replace(&mut self.told, replies.recipients());
            let signals = self.delivery.untold_signals();
            self.append(Group {
                offset,
                rcpt_to,
                signals,
            });
        }
    }

    /// Tells upstream that the originator is still there.
    pub(super) fn begin_heartbeat(&mut self) {
        let signals = self.delivery.untold_signals();
        self.append(Group {
            offset: self.told,
            rcpt_to: Vec::new(),
            signals,
        });
    }

    fn append(&mut self, group: Group) {
        let is_heartbeat = group.is_heartbeat();
        let request = append(
            self.delivery.resource.clone(),
            self.upstream.transaction.clone(),
            self.upstream.version.clone(),
            group,
        );
        self.refreshed = Instant::now();
        self.appending = Some(Appending {
            request: Box::pin(request),
            is_heartbeat,
        });
    }

    /// Tells upstream of the signals that were set since the last request, so that they arrive before
    /// the message. Returns whether upstream knows all of them.
    fn has_told_signals(&mut self) -> bool {
        if self.appending.is_some() {
            return !self.delivery.settings.has_filter_output;
        }
        let signals = self.delivery.untold_signals();
        let is_all = signals.is_none();
        if !is_all {
            self.append(Group {
                offset: self.told,
                rcpt_to: Vec::new(),
                signals,
            });
        }
        is_all
    }

    fn begin_send(&mut self) {
        if !matches!(self.message, Stage::Ready) || !self.has_told_signals() {
            return;
        }
        let Some(body) = self.delivery.intake.take_body() else {
            return;
        };
        if !self.delivery.may_go() {
            return;
        }
        let parsed = self.upstream.builder_uri().and_then(|uri| {
            let parsed = self.delivery.signals.find::<Parsed>()?;
            Some((uri, Arc::clone(&parsed.0)))
        });
        let progress = Progress::new();
        let message = Message {
            transaction: self.upstream.transaction.clone(),
            version: self.upstream.version.clone(),
            to: self.upstream.body_uri(),
            parsed,
            content: Content::new(body),
            progress: progress.clone(),
        };
        let request = Box::pin(send(self.delivery.resource.clone(), message));
        self.refreshed = Instant::now();
        self.message = Stage::Sending(Sending { request, progress });
    }

    fn begin_watch(&mut self) {
        if self.watching.is_none() && self.is_owed() && !self.is_about_to_tell() {
            let request = watch(
                self.delivery.resource.clone(),
                self.upstream.transaction.clone(),
                self.upstream.version.clone(),
                Known::of(&self.upstream.view),
                self.delivery.settings.wait,
            );
            self.watching = Some(Box::pin(request));
        }
    }

    /// Whether a request under way may end soon and change the transaction: a watch that begins now
    /// would only report that change.
    fn is_about_to_tell(&self) -> bool {
        self.watch_at().is_some_and(|at| Instant::now() < at)
    }

    /// The time from which upstream is watched while a request is still under way.
    pub(super) fn watch_at(&self) -> Option<Instant> {
        let is_under_way = self.appending.is_some() || matches!(self.message, Stage::Sending(_));
        let is_to_begin = is_under_way && self.watching.is_none() && self.is_owed();
        is_to_begin.then(|| self.refreshed + UNWATCHED)
    }

    /// Whether upstream owes a reply.
    fn is_owed(&self) -> bool {
        !self.upstream.is_mail_accepted()
            || !self.delivery.intake.replies.is_all_answered()
            || matches!(self.message, Stage::Sending(_) | Stage::Sent(_))
    }
}
