//! Webhooks, and how their secrets follow their files.

use std::{fs, path::Path};

use koukan_core::{
    causes::Causes, stage::event_reader::EventReader, storage::Storage, storage::record::EventKind,
};
use koukan_rest::webhook::{Hook, Poster, Secrets, Target};

use super::{StartError, stamps::Stamps};
use crate::{config::Webhook, registry::Surroundings};

/// The secrets of all webhooks. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct HookSecrets(Vec<Followed>);

#[derive(Debug, Clone)]
struct Followed {
    file: Stamps,
    secrets: Secrets,
}

impl HookSecrets {
    /// Reads secrets, and follows their file from now on.
    pub(super) fn add(&mut self, path: &Path) -> Result<Secrets, StartError> {
        let file = Stamps::new([path.to_owned()]);
        let secrets = read(path).and_then(|text| {
            let wrong = |error| format!("{}: {}", path.display(), Causes(&error));
            Secrets::parse(&text).map_err(wrong)
        });
        let secrets = secrets.map_err(StartError::Config)?;
        self.0.push(Followed {
            file,
            secrets: secrets.clone(),
        });
        Ok(secrets)
    }

    /// Reads files anew that have changed. What cannot be used, as amid a change, leaves the secrets as
    /// they are.
    pub(super) fn look(&mut self) {
        for followed in &mut self.0 {
            let Some(path) = followed.file.changed() else {
                continue;
            };
            let replaced = read(path).and_then(|text| {
                let wrong = |error| Causes(&error).to_string();
                followed.secrets.replace(&text).map_err(wrong)
            });
            match replaced {
                Ok(()) => {
                    tracing::info!(file = %path.display(), "the secret of a webhook was read anew");
                }
                Err(error) => tracing::warn!(
                    error,
                    file = %path.display(),
                    "cannot read the secret of a webhook anew, the old one stays"
                ),
            }
        }
    }
}

/// The webhooks of a configuration.
pub(super) fn hooks(
    webhooks: &[Webhook],
    secrets: &mut HookSecrets,
    storage: &Storage,
    surroundings: &Surroundings,
) -> Result<Vec<Hook<EventReader>>, StartError> {
    let hooks = webhooks.iter().map(|webhook| {
        let config = |error: &dyn std::error::Error| StartError::Config(error.to_string());
        let url = webhook.url.value.parse().map_err(|error| config(&error))?;
        let secrets = secrets.add(&webhook.secret_file.value)?;
        let client = surroundings.http()?;
        let kinds = webhook.events.iter();
        let target = Target {
            name: webhook.name().into(),
            poster: Poster::new(client, url, secrets, surroundings.clock.clone()),
            kinds: kinds
                .filter_map(|kind| EventKind::of_word(&kind.value))
                .collect(),
            senders: webhook
                .senders
                .iter()
                .map(|it| it.value.as_str().into())
                .collect(),
        };
        let events = EventReader::new(storage.clone());
        Ok(Hook::new(
            target,
            events,
            storage.clone(),
            surroundings.random.clone(),
        ))
    });
    hooks.collect()
}

fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path);
    text.map_err(|error| format!("cannot read {}: {error}", path.display()))
}
