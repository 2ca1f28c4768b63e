//! Whether two create requests are the same.
//!
//! Two creates with the same idempotency key are the same request if they mean the same. Spaces and
//! the order of fields in their JSON do not matter; a single recipient may be written with or
//! without a list. How long the client waits does not matter, either.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{path::Parameters, signals::HostPort, storage::record::RequestDigest};

use super::{BodySource, Create, Draft, Location, Target};

impl Create {
    /// The digest of the whole request.
    pub(crate) fn digest(&self) -> RequestDigest {
        self.digest_as("create")
    }

    /// The digest of the whole request, for a message with a transaction for each recipient.
    pub(crate) fn digest_of_message(&self) -> RequestDigest {
        self.digest_as("message")
    }

    fn digest_as(&self, kind: &str) -> RequestDigest {
        let mut fields = Fields(Sha256::new());
        fields.text(kind);
        fields.text(&self.sender.name);
        fields.option(self.sender.tag.as_deref());
        fields.draft(&self.draft);
        RequestDigest::new(fields.0.finalize().into())
    }
}

/// Digests fields one by one. Each begins with its length, so that two different lists of fields
/// never have the same octets.
struct Fields(Sha256);

impl Fields {
    fn octets(&mut self, octets: &[u8]) {
        self.number(octets.len() as u64);
        self.0.update(octets);
    }

    fn text(&mut self, text: &str) {
        self.octets(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        self.number(text.is_some().into());
        self.text(text.unwrap_or_default());
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.number(flag.map_or(2, u64::from));
    }

    fn draft(&mut self, draft: &Draft) {
        self.host(draft.remote_host.as_ref());
        self.host(draft.local_host.as_ref());
        let meta = draft.smtp_meta.as_ref();
        self.option(meta.and_then(|meta| meta.ehlo_host.as_deref()));
        self.flag(meta.map(|meta| meta.is_esmtp));
        self.flag(meta.map(|meta| meta.has_tls));
        self.flag(meta.map(|meta| meta.is_authenticated));
        let mail = draft.mail_from.as_ref();
        self.option(mail.map(|mail| mail.reverse_path.as_str()));
        if let Some(mail) = mail {
            self.parameters(&mail.parameters);
        }
        self.number(draft.rcpt_to.len() as u64);
        for rcpt in &draft.rcpt_to {
            self.text(rcpt.forward_path.as_str());
            self.parameters(&rcpt.parameters);
        }
        self.body(draft.body.as_ref());
        self.flag(draft.retry);
        self.flag(draft.notification);
        self.object(&draft.filter_output);
        // A missing value adds nothing, so digests that were stored before stay valid.
        if let Some(at) = draft.send_at {
            self.text("send_at");
            self.text(&at.to_string());
        }
    }

    fn host(&mut self, host: Option<&HostPort>) {
        self.option(host.map(|host| &*host.host));
        self.number(host.map_or(0, |host| host.port.into()));
    }

    fn parameters(&mut self, parameters: &Parameters) {
        self.number(parameters.iter().count() as u64);
        for parameter in parameters.iter() {
            self.text(parameter.keyword());
            self.option(parameter.value());
        }
    }

    fn body(&mut self, body: Option<&BodySource>) {
        match body {
            None => self.text("none"),
            Some(BodySource::Inline(octets)) => {
                self.text("inline");
                self.octets(octets);
            }
            Some(BodySource::Reuse(location)) => {
                self.text("reuse");
                self.location(location);
            }
            Some(BodySource::MessageBuilder(description)) => {
                self.text("message_builder");
                self.value(description);
            }
        }
    }

    /// Whether it is relative or absolute does not matter.
    fn location(&mut self, location: &Location) {
        match location.target() {
            Ok(Target::Body(id)) => self.text(id),
            _ => self.text(location.as_str()),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(values) => {
                self.text("array");
                self.number(values.len() as u64);
                values.iter().for_each(|value| self.value(value));
            }
            Value::Object(members) => {
                self.text("object");
                self.object(members);
            }
            Value::String(text) => {
                self.text("string");
                self.text(text);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.text(&value.to_string()),
        }
    }

    fn object(&mut self, members: &serde_json::Map<String, Value>) {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        self.number(members.len() as u64);
        for (name, value) in members {
            self.text(name);
            self.value(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use crate::{
        context::Sender,
        test_util::{mail, rcpt},
    };

    use super::*;

    fn create() -> Create {
        Create {
            sender: Sender::new("app"),
            draft: Draft {
                mail_from: Some(mail("a@x")),
                rcpt_to: vec![rcpt("b@y")],
                ..Draft::default()
            },
            wait: None,
            wait_for: Default::default(),
            idempotency_key: None,
        }
    }

    fn with(change: impl FnOnce(&mut Create)) -> RequestDigest {
        let mut create = create();
        change(&mut create);
        create.digest()
    }

    fn described(json: &str) -> RequestDigest {
        with(|create| {
            let json = serde_json::from_str(json).unwrap();
            create.draft.body = Some(BodySource::MessageBuilder(json));
        })
    }

    #[test]
    fn another_request_has_another_digest() {
        let body = |body| with(|create| create.draft.body = Some(body));
        let digests = [
            create().digest(),
            with(|create| create.sender = Sender::new("b")),
            with(|create| create.sender = Sender::new("app").with_tag("b")),
            with(|create| create.draft.mail_from = None),
            with(|create| create.draft.mail_from = Some(mail("a@y"))),
            with(|create| create.draft.rcpt_to.push(rcpt("c@y"))),
            with(|create| create.draft.retry = Some(true)),
            with(|create| create.draft.retry = Some(false)),
            with(|create| create.draft.notification = Some(true)),
            with(|create| create.draft.send_at = Some(Timestamp::UNIX_EPOCH)),
            with(|create| create.draft.send_at = Some(Timestamp::MAX)),
            with(|create| create.draft.remote_host = Some("[::1]:25".parse().unwrap())),
            with(|create| create.draft.local_host = Some("[::1]:25".parse().unwrap())),
            with(|create| drop(create.draft.filter_output.insert("x".into(), json!({})))),
            body(BodySource::Inline("1".into())),
            body(BodySource::Inline("2".into())),
            body(BodySource::Reuse(Location::new("/transactions/1/body"))),
            body(BodySource::Reuse(Location::new("/transactions/2/body"))),
            described("{}"),
            described(r#"{"headers": [["subject", "1"]]}"#),
            described(r#"{"headers": [["subject", 1]]}"#),
            described(r#"{"headers": ["subject", "1"]}"#),
            described(r#"{"headers": ["subject"], "1": null}"#),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{index}");
        }
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let wait = std::time::Duration::from_secs(1);
        assert_eq!(with(|create| create.wait = Some(wait)), create().digest());
        assert_eq!(
            described(r#"{"a": [1, {"b": "x", "c": null}], "d": true}"#),
            described(r#"{"d":true,"a":[1,{"c":null,"b":"\u0078"}]}"#)
        );
        let reuse = |uri: &str| {
            with(|create| create.draft.body = Some(BodySource::Reuse(Location::new(uri))))
        };
        assert_eq!(
            reuse("http://a/transactions/T/body"),
            reuse("/transactions/T/body")
        );
    }
}
