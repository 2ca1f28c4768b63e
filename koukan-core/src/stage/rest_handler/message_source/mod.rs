//! Where messages come from.

mod part_names;

use std::{collections::BTreeMap, io};

use serde_json::Value;

use crate::{
    blob::{Account, Blob, HeldOctets},
    message::{
        builder::{Spec, SpecError},
        line_ends::LineEnds,
    },
    resource::{BodySource, Caller, Location, Refusal, RefusalKind, Target},
    storage::{SharedBody, Watch, record::TransactionId},
    transaction::Mail,
};

use self::part_names::Names;

use super::{RestHandlerSettings, open_transaction::OpenTransaction, service::Shared};

/// The field of a description.
const DESCRIPTION: &str = "body.message_builder";

/// A message source that was looked up.
pub(super) enum Source {
    /// Complete octets.
    Octets(Blob),
    /// The body of another transaction.
    Shared(SharedBody),
    /// A description.
    Described(Box<Described>),
}

/// A description, and the blobs it uses from other transactions.
pub(super) struct Described {
    pub(super) spec: Spec,
    /// By their names in the description.
    pub(super) reused: BTreeMap<Box<str>, Blob>,
    /// The memory charged for the description.
    pub(super) memory: HeldOctets,
}

impl Shared {
    /// Looks up the source of a message from `sender`.
    pub(super) async fn source(
        &self,
        caller: &Caller,
        sender: &str,
        body: BodySource,
        account: &Account,
    ) -> Result<Source, Refusal> {
        match body {
            BodySource::Inline(octets) => {
                if octets.len() as u64 > self.settings.max_message_size {
                    return Err(too_large(&self.settings).at("body.inline"));
                }
                let mut line_ends = LineEnds::new();
                let message = line_ends.normalize(octets);
                let rest = line_ends.finish();
                let message = if rest.is_empty() {
                    message
                } else {
                    [message, rest].concat().into()
                };
                let kept = account.keep(message);
                Ok(Source::Octets(kept.map_err(|_| Refusal::no_room())?))
            }
            BodySource::Reuse(location) => {
                let at = "body.reuse_uri";
                let Ok(Target::Body(id)) = location.target() else {
                    let detail = "not the location of a body, as in /transactions/T/body";
                    return Err(Refusal::malformed(detail).at(at));
                };
                let watch = self.reusable(caller, sender, id, at).await?;
                let body = watch.body().await?;
                let body = body.ok_or_else(|| not_finished().at(at))?;
                Ok(Source::Shared(body))
            }
            BodySource::MessageBuilder(json) => {
                let spec = Spec::from_json(&json).map_err(refused)?;
                let mut memory = account.hold();
                let added = memory.add(text_len(&json));
                added.map_err(|_| Refusal::no_room())?;
                // The values take more memory than the text they were read from.
                drop(json);
                self.described(caller, sender, spec, memory).await
            }
        }
    }

    /// Gives a transaction its body.
    pub(super) fn set_body(&self, transaction: &OpenTransaction, source: Source) {
        let recorder = &transaction.recorder;
        match source {
            Source::Octets(blob) => recorder.body(Vec::new(), blob),
            Source::Shared(body) => recorder.shared_body(body),
            Source::Described(described) => {
                let Described {
                    spec,
                    reused,
                    mut memory,
                } = self.completed(*described, recorder.id());
                let there = |name: &str| reused.get(name).cloned();
                let parts = self.parts(transaction, &spec, there);
                let description = Blob::from_bytes(spec.to_json().to_string().into());
                memory.hand_to(&description);
                recorder.composition(description, parts);
            }
        }
    }

    /// A description with its omitted fields filled in once, so that each attempt renders the same
    /// octets.
    pub(super) fn completed(&self, mut described: Described, id: TransactionId) -> Described {
        let now = self.storage.clock().now();
        let hostname = &self.settings.hostname;
        described.spec.complete(now, hostname, &id.to_string());
        described
    }

    /// The parts of a description in order: the blobs in `there`, and for the others those that are
    /// to be uploaded.
    pub(super) fn parts(
        &self,
        transaction: &OpenTransaction,
        spec: &Spec,
        there: impl Fn(&str) -> Option<Blob>,
    ) -> Vec<(Box<str>, Blob)> {
        let max_octets = self.settings.max_message_size;
        let part = |name: &str| {
            let upload = || transaction.expect(name, max_octets).blob();
            (name.into(), there(name).unwrap_or_else(upload))
        };
        spec.create_ids().into_iter().map(part).collect()
    }

    async fn described(
        &self,
        caller: &Caller,
        sender: &str,
        mut spec: Spec,
        memory: HeldOctets,
    ) -> Result<Source, Refusal> {
        let at = DESCRIPTION;
        let mut names = Names::of(&spec);
        let mut reused = BTreeMap::new();
        let reuses = spec.reuses().into_iter();
        let reuses: Vec<(Box<str>, Option<Box<str>>)> = reuses
            .map(|(uri, id)| (uri.into(), id.map(Into::into)))
            .collect();
        for (uri, id) in reuses {
            let location = Location::new(&*uri);
            let Ok(Target::Blob(transaction, part)) = location.target() else {
                let detail =
                    "a reuse_uri is not the location of a blob, as in /transactions/T/blob/B";
                return Err(Refusal::malformed(detail).at(at));
            };
            let watch = self.reusable(caller, sender, transaction, at).await?;
            let blob = watch.part(part).ok_or_else(|| not_finished().at(at))?;
            let name = names.name(&uri, id.as_deref(), part);
            let name = name.map_err(|refusal| refusal.at(at))?;
            reused.insert(name, blob);
        }
        let name_of = |uri: &str, id: Option<&str>| {
            let name = names.known(uri, id);
            name.ok_or_else(Refusal::internal)
        };
        spec.replace_reuse_uris(name_of)?;
        Ok(Source::Described(Box::new(Described {
            spec,
            reused,
            memory,
        })))
    }

    async fn reusable(
        &self,
        caller: &Caller,
        sender: &str,
        id: &str,
        at: &str,
    ) -> Result<Watch, Refusal> {
        let found = self.find(caller, id).await;
        let mut watch = found.map_err(|refusal| self.missing(id, refusal).at(at))?;
        if &*watch.snapshot().context.sender.name != sender {
            let detail = "what another sender has sent cannot be reused";
            return Err(Refusal::new(RefusalKind::Forbidden, detail).at(at));
        }
        Ok(watch)
    }
}

impl Shared {
    /// Why something that is to be reused cannot be found: another replica may have it, or have had it, only in
    /// memory.
    fn missing(&self, id: &str, refusal: Refusal) -> Refusal {
        let is_elsewhere = |id| self.storage.may_be_elsewhere(id);
        match id.parse::<TransactionId>() {
            Ok(id) if refusal.kind == RefusalKind::NotFound && is_elsewhere(id) => {
                let detail = "only another replica has had what is to be reused: upload it again";
                Refusal::new(RefusalKind::Conflict, detail)
            }
            _ => refusal,
        }
    }
}

/// How many octets a value takes as text.
fn text_len(json: &Value) -> u64 {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0 += octets.len() as u64;
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither the value nor the counter can fail.
    let _ = serde_json::to_writer(&mut count, json);
    count.0
}

fn refused(error: SpecError) -> Refusal {
    let dot = if error.path.is_empty() || error.path.starts_with('[') {
        ""
    } else {
        "."
    };
    let path = format!("{DESCRIPTION}{dot}{}", error.path);
    Refusal::malformed(error.message.into_string()).at(path)
}

fn not_finished() -> Refusal {
    Refusal::not_found("there is no such finished body or blob to be reused")
}

fn too_large(settings: &RestHandlerSettings) -> Refusal {
    let detail = format!("there may be {} octets at most", settings.max_message_size);
    Refusal::new(RefusalKind::TooLarge, detail)
}

impl Source {
    /// The description, if it is one.
    pub(super) fn spec(&self) -> Option<&Spec> {
        match self {
            Self::Described(described) => Some(&described.spec),
            Self::Octets(_) | Self::Shared(_) => None,
        }
    }

    /// Fills in the originator of a described message if it was omitted; does nothing if the
    /// reverse-path is not known.
    pub(super) fn originate(&mut self, mail: Option<&Mail>) -> Result<(), Refusal> {
        match (self, mail) {
            (Self::Described(described), Some(mail)) => {
                let spec = &mut described.spec;
                spec.originate(&mail.reverse_path).map_err(refused)
            }
            _ => Ok(()),
        }
    }
}
