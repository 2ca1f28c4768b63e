//! Webhooks; their secrets follow their files.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::uri::InvalidUri;

use koukan_core::{
    causes::Causes, files, resource::HookBoard, stage::event_reader::EventReader, storage::Storage,
    storage::record::EventKind,
};
use koukan_rest::{
    client::HttpClient,
    webhook::{Hook, MailEndpoint, Poster, Secrets, Target},
};

use super::StartError;
use crate::{
    config::{MailWebhook, Webhook},
    registry::Surroundings,
    stamps::Stamps,
};

/// How long a webhook may accept nothing, unless its configuration says otherwise: longer than a weekend.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// The secrets of all webhooks. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct HookSecrets(Arc<Mutex<Vec<Followed>>>);

#[derive(Debug)]
struct Followed {
    file: Stamps,
    secrets: Secrets,
}

impl HookSecrets {
    /// Reads secrets, and follows their file from now on.
    pub(super) fn add(&self, path: &Path) -> Result<Secrets, StartError> {
        let file = Stamps::new([path.to_owned()]);
        let secrets = read(path).and_then(|text| {
            let wrong = |error| format!("{}: {}", path.display(), Causes(&error));
            Secrets::parse(&text).map_err(wrong)
        });
        let secrets = secrets.map_err(StartError::Config)?;
        self.lock().push(Followed {
            file,
            secrets: secrets.clone(),
        });
        Ok(secrets)
    }

    /// Reads files again that have changed. If a file cannot be used, for example in the middle of
    /// a change, the secrets stay as they are.
    pub(super) fn look(&self) {
        for followed in self.lock().iter_mut() {
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

    fn lock(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The endpoint of a chain that ends with a webhook.
pub(super) fn endpoint(
    config: &MailWebhook,
    secrets: &HookSecrets,
    surroundings: &Surroundings,
) -> Result<MailEndpoint, StartError> {
    let url = config.url.value.parse();
    let url = url.map_err(|error: InvalidUri| StartError::Config(error.to_string()))?;
    let client = match &config.ca_file {
        None => surroundings.http()?,
        Some(path) => {
            let settings = surroundings
                .http_settings()
                .with_ca(read(&path.value).map_err(StartError::Config)?);
            HttpClient::new(&settings)
                .map_err(|error| StartError::Config(Causes(&error).to_string()))?
        }
    };
    let clock = &surroundings.clock;
    let secrets = secrets.add(&config.secret_file.value)?;
    let mut poster = Poster::new(client, url, secrets, Arc::clone(clock));
    if let Some(timeout) = config.timeout {
        poster = poster.with_timeout(timeout.0);
    }
    let endpoint = MailEndpoint::new(poster, Arc::clone(clock));
    Ok(match config.max_message_size {
        Some(size) => endpoint.with_max_size(usize::try_from(size.0).unwrap_or(usize::MAX)),
        None => endpoint,
    })
}

/// The webhooks of a configuration.
pub(super) fn hooks(
    webhooks: &[Webhook],
    secrets: &HookSecrets,
    (storage, board): (&Storage, &HookBoard),
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
            give_up_after: webhook.give_up_after.map_or(GIVE_UP_AFTER, |after| after.0),
        };
        let events = EventReader::new(storage.clone());
        let random = surroundings.random.clone();
        Ok(Hook::new(target, events, storage.clone(), random).on(board))
    });
    hooks.collect()
}

fn read(path: &Path) -> Result<String, String> {
    let text = files::read_to_string(path);
    text.map_err(|error| format!("cannot read {}: {error}", path.display()))
}
