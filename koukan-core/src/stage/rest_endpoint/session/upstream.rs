//! What upstream has said about the transaction.

use crate::{
    reply::Reply,
    resource::{Created, Location, ResourceService, Version, View},
};

use super::super::request::{CancelOnDrop, Current};

/// The newest known state of a transaction upstream. Dropping this cancels the transaction, unless
/// it has ended or upstream is responsible for it.
pub(super) struct Upstream<R: ResourceService> {
    pub(super) transaction: Location,
    pub(super) version: Version,
    /// The newest view. Views from requests that crossed may arrive out of order; what was seen
    /// once stays, since each part of a view is written only once.
    pub(super) view: View,
    guard: CancelOnDrop<R>,
}

impl<R: ResourceService> Upstream<R> {
    pub(super) fn new(resource: R, created: Created) -> Self {
        let mut this = Self {
            guard: CancelOnDrop::new(resource, created.location.clone()),
            transaction: created.location,
            version: created.version.clone(),
            view: View::default(),
        };
        this.take(Current {
            view: created.view,
            version: created.version,
        });
        this
    }

    pub(super) fn take(&mut self, current: Current) {
        let Current { view, version } = current;
        let mut view = *view;
        let before = std::mem::take(&mut self.view);
        view.mail_response = before.mail_response.or(view.mail_response);
        if before.rcpt_response.len() > view.rcpt_response.len() {
            view.rcpt_response = before.rcpt_response;
        }
        if view.data_response.is_none() {
            view.data_response = before.data_response;
            view.final_replies = before.final_replies;
        }
        view.final_attempt_reason = view.final_attempt_reason.or(before.final_attempt_reason);
        view.body = view.body.or(before.body);
        if view.is_final() {
            self.guard.disarm();
        }
        self.view = view;
        self.version = version;
    }

    /// Upstream has accepted the message.
    pub(super) fn hand_over(&mut self) {
        self.guard.disarm();
    }

    pub(super) fn is_mail_accepted(&self) -> bool {
        self.view
            .mail_response
            .as_ref()
            .is_some_and(Reply::is_positive)
    }

    /// Where to upload the message.
    pub(super) fn body_uri(&self) -> Location {
        let body = self.view.body.as_ref();
        let status = body.and_then(|body| body.blob_status.as_ref());
        status.map_or_else(|| self.transaction.join("body"), |blob| blob.uri.clone())
    }

    /// Where to send the parsed message, if upstream wants it.
    pub(super) fn builder_uri(&self) -> Option<Location> {
        let builder = self.view.body.as_ref()?.message_builder.as_ref()?;
        builder.uri.clone()
    }
}
