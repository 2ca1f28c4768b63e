//! One message to several recipients.

use std::time::Duration;

use koukan_core::{
    context::Sender,
    resource::{
        BodySource, Create, Created, Draft, Location, Operation, Read, ResourceRequest,
        ResourceResponse, Upload, View,
    },
    transaction::{Mail, Rcpt},
};
use koukan_rest::client::Client;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};

use super::{message::Source, outcome::Outcome, upload::file};

pub(super) struct Delivery {
    pub(super) client: Client,
    pub(super) sender: Sender,
    pub(super) mail: Mail,
    pub(super) source: Source,
    pub(super) wait: Duration,
    pub(super) has_progress: bool,
}

impl Delivery {
    pub(super) async fn deliver(&mut self, rcpt: Rcpt) -> Result<Outcome, BoxError> {
        let to = rcpt.forward_path.to_string();
        let (body, files) = self.take_source();
        let has_uploads = !files.is_empty();
        let create = Create {
            sender: self.sender.clone(),
            draft: Draft {
                mail_from: Some(self.mail.clone()),
                rcpt_to: vec![rcpt],
                body,
                ..Draft::default()
            },
            wait: (!has_uploads).then_some(self.wait),
            idempotency_key: Some(koukan_core::blob::BlobId::random().to_string().into()),
        };
        let until = Instant::now() + self.wait;
        let created = match self.ask(Operation::Create(Box::new(create))).await? {
            ResourceResponse::Created(created) => created,
            ResourceResponse::Refused(refusal) => return Ok(Outcome::refused(to, &refusal)),
            other => return Err(format!("not an answer to a create: {other:?}").into()),
        };
        for (id, path) in files {
            let uri = place(&created, id.as_deref());
            let upload = Upload {
                to: uri.clone(),
                range: None,
                content: file(&path, self.has_progress).await?,
            };
            match self.ask(Operation::Upload(upload)).await? {
                ResourceResponse::Uploaded(_) => self.reuse(id.as_deref(), &uri),
                ResourceResponse::Refused(refusal) => return Ok(Outcome::refused(to, &refusal)),
                other => return Err(format!("not an answer to an upload: {other:?}").into()),
            }
        }
        let view = self.end(&created, until).await?;
        Ok(Outcome::of(to, created.location, &view))
    }

    /// The body of the next create, and the files to be uploaded for it.
    #[allow(clippy::type_complexity, reason = "an id and a file")]
    fn take_source(
        &mut self,
    ) -> (
        Option<BodySource>,
        Vec<(Option<String>, std::path::PathBuf)>,
    ) {
        match &mut self.source {
            Source::Eml(path) => (None, vec![(None, path.clone())]),
            Source::Uploaded(uri) => (Some(BodySource::Reuse(uri.clone())), Vec::new()),
            Source::Builder { spec, files } => {
                let files = std::mem::take(files).into_iter();
                let files = files.map(|(id, path)| (Some(id), path));
                (
                    Some(BodySource::MessageBuilder(spec.clone())),
                    files.collect(),
                )
            }
        }
    }

    /// Lets later transactions share what was uploaded.
    fn reuse(&mut self, id: Option<&str>, uri: &Location) {
        match (&mut self.source, id) {
            (Source::Builder { spec, .. }, Some(id)) => share(spec, id, uri),
            (source, _) => *source = Source::Uploaded(uri.clone()),
        }
    }

    /// The transaction at its end, or as it is when the time is up.
    async fn end(&self, created: &Created, until: Instant) -> Result<View, BoxError> {
        let mut view = (*created.view).clone();
        while !view.is_final() && Instant::now() < until {
            let left = until - Instant::now();
            let read = Read {
                transaction: created.location.clone(),
                if_none_match: None,
                wait: Some(left.clamp(Duration::from_secs(1), Duration::from_secs(30))),
            };
            match self.ask(Operation::Read(read)).await? {
                ResourceResponse::Current { view: now, .. } => view = *now,
                ResourceResponse::Refused(refusal) => return Err(refusal.to_string().into()),
                _ => {}
            }
        }
        Ok(view)
    }

    async fn ask(&self, operation: Operation) -> Result<ResourceResponse, BoxError> {
        let request = ResourceRequest::trusted(operation);
        self.client
            .clone()
            .oneshot(request)
            .await
            .map_err(Into::into)
    }
}

/// Where to upload the message, or a part.
fn place(created: &Created, id: Option<&str>) -> Location {
    let body = created.view.body.as_ref();
    match id {
        None => {
            let told = body.and_then(|body| body.blob_status.as_ref());
            told.map_or_else(|| created.location.join("body"), |blob| blob.uri.clone())
        }
        Some(id) => created.location.join("blob").join(id),
    }
}

fn share(spec: &mut Value, id: &str, uri: &Location) {
    for list in ["text_body", "related_attachments", "file_attachments"] {
        let parts = spec.get_mut(list).and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            if part["content"]["create_id"] == id {
                part["content"] = json!({"reuse_uri": uri.as_str()});
            }
        }
    }
}
