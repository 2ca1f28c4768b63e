//! One transaction.

use koukan_core::{
    reply::Reply,
    resource::{BlobStatus, BodySource, BodyView, BuilderView, Create, Location, Version, View},
    transaction::Rcpt,
};
use serde_json::Value;

use super::Script;

/// A transaction, as the fake resource keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) create: Create,
    pub(crate) rcpt_to: Vec<Rcpt>,
    pub(crate) view: View,
    pub(crate) version: u64,
    /// The uploads: name, octets, and whether they ended cleanly.
    pub(crate) uploads: Vec<(String, String, bool)>,
    /// Whether the message came by reference.
    pub(crate) is_by_reference: bool,
    pub(crate) parsed: Option<Value>,
}

impl Transaction {
    pub(super) fn new(id: usize, create: Create, script: &Script) -> Self {
        let location = Location::of_transaction(id);
        let builder = BuilderView {
            uri: Some(location.join("message_builder")),
            blob_status: None,
        };
        let host = create.draft.remote_host.as_ref().map(ToString::to_string);
        let is_inline =
            !script.is_plain && matches!(create.draft.body, Some(BodySource::Inline(_)));
        let mut this = Self {
            rcpt_to: Vec::new(),
            view: View {
                has_sender: true,
                has_mail_from: true,
                mail_response: (script.mail)(host.as_deref()),
                body: Some(BodyView {
                    // Not where a client would guess it.
                    blob_status: Some(BlobStatus {
                        uri: Location::new(format!("/elsewhere/{id}/octets")),
                        finalized: is_inline,
                    }),
                    message_builder: script.is_receiver.then_some(builder),
                }),
                ..View::default()
            },
            version: 1,
            uploads: Vec::new(),
            is_by_reference: false,
            parsed: None,
            create,
        };
        this.add(this.create.draft.rcpt_to.clone(), script);
        if is_inline {
            this.accept(script);
        }
        this
    }

    pub(super) fn version(&self) -> Version {
        Version::new(format!("v{}", self.version))
    }

    pub(super) fn add(&mut self, rcpts: Vec<Rcpt>, script: &Script) {
        for rcpt in rcpts {
            let position = self.rcpt_to.len();
            if self.view.rcpt_response.len() == position
                && let Some(reply) = (script.rcpt)(rcpt.forward_path.as_str())
            {
                self.view.rcpt_response.push(reply);
            }
            self.rcpt_to.push(rcpt);
        }
        self.view.rcpt_to = self.rcpt_to.len();
    }

    /// The message is complete.
    pub(super) fn accept(&mut self, script: &Script) {
        if let Some(reply) = &script.data
            && !self.view.is_final()
        {
            self.end(reply.clone());
        }
    }

    fn end(&mut self, reply: Reply) {
        self.view.data_response = Some(reply);
        self.view.final_attempt_reason = Some("upstream response".into());
    }

    /// The forward-paths, in order.
    pub(crate) fn recipients(&self) -> Vec<&str> {
        let paths = self.rcpt_to.iter();
        paths.map(|rcpt| rcpt.forward_path.as_str()).collect()
    }

    /// The message, if it was uploaded whole.
    pub(crate) fn message(&self) -> Option<&str> {
        let mut uploads = self.uploads.iter();
        uploads
            .find(|(name, _, is_complete)| name == "message" && *is_complete)
            .map(|(_, octets, _)| &**octets)
    }
}
