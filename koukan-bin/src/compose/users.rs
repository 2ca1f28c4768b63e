//! Users who authenticate, and on whose behalf their mail is sent.

use std::{path::Path, time::Duration};

use koukan_core::{
    blocking::BlockingPool,
    causes::Causes,
    context::{Context, Sender},
    files,
    service::BoxMailService,
};
use koukan_rest::client::HttpClient;
use koukan_smtp::{
    sasl::scram::Entries,
    server::{MakeMailService, PasswordFile},
};

use crate::{
    config::HttpAuth, http_authenticator::HttpAuthenticator, registry::Surroundings, stamps::Stamps,
};

use super::StartError;

/// Gives clients one service, and authenticated users another.
#[derive(Debug, Clone)]
pub(crate) struct ByIdentity {
    pub(super) clients: (Sender, BoxMailService),
    pub(super) users: (Sender, BoxMailService),
}

impl MakeMailService for ByIdentity {
    type Service = BoxMailService;

    fn make(&self, context: &Context) -> (Sender, BoxMailService) {
        match context.identity {
            Some(_) => self.users.clone(),
            None => self.clients.clone(),
        }
    }
}

/// The authenticator that asks an HTTP server.
pub(super) fn by_http(
    config: &HttpAuth,
    surroundings: &Surroundings,
) -> Result<HttpAuthenticator, StartError> {
    let wrong =
        |error: &(dyn std::error::Error + 'static)| StartError::Config(Causes(error).to_string());
    let mut settings = surroundings.http_settings();
    if let Some(file) = &config.ca_file {
        let pem = files::read(&file.value).map_err(|error| {
            let file = file.value.display();
            StartError::Config(format!("cannot read {file}: {error}"))
        })?;
        settings = settings.with_ca(pem);
    }
    let client = HttpClient::new(&settings).map_err(|error| wrong(&error))?;
    let url = config.url.value.parse().map_err(|error| wrong(&error))?;
    let keep = config.cache.map_or(Duration::from_secs(60), |keep| keep.0);
    let mut users = HttpAuthenticator::new(client, url, keep).map_err(|error| wrong(&error))?;
    if let Some(timeout) = config.timeout {
        users = users.with_timeout(timeout.0);
    }
    if let Some(file) = &config.token_file {
        users = users.with_token(surroundings.secret(&file.value)?.token()?);
    }
    Ok(users)
}

/// The password files of all listeners. Clones follow the same files.
#[derive(Debug, Clone)]
pub(crate) struct PasswordFiles {
    files: Vec<Followed>,
    blocking: BlockingPool,
}

/// A password file.
#[derive(Debug, Clone)]
struct Followed {
    file: Stamps,
    users: PasswordFile,
}

impl PasswordFiles {
    /// Makes an empty set of files; passwords are hashed on the threads of that pool.
    pub(super) fn new(blocking: BlockingPool) -> Self {
        Self {
            files: Vec::new(),
            blocking,
        }
    }

    /// Reads a file, and follows it from now on.
    pub(super) fn add(&mut self, path: &Path) -> Result<PasswordFile, StartError> {
        if let Some(known) = self
            .files
            .iter()
            .find(|known| known.file.first() == Some(path))
        {
            return Ok(known.users.clone());
        }
        let file = Stamps::new([path.to_owned()]);
        let users = read(path).map_err(StartError::Config)?;
        let users = PasswordFile::new(users, self.blocking.clone())
            .map_err(|error| StartError::Config(error.to_string()))?;
        self.files.push(Followed {
            file,
            users: users.clone(),
        });
        Ok(users)
    }

    /// Reads files again that have changed.
    pub(super) fn look(&mut self) {
        self.files.iter_mut().for_each(Followed::look);
    }
}

impl Followed {
    /// If a file cannot be read, for example in the middle of a change, the users stay as they are.
    fn look(&mut self) {
        let Some(path) = self.file.changed() else {
            return;
        };
        match read(path) {
            Ok(entries) => {
                tracing::info!(file = %path.display(), users = entries.len(), "users were read anew");
                self.users.replace(entries);
            }
            Err(error) => tracing::warn!(error, "cannot read users anew, the old ones stay"),
        }
    }
}

fn read(path: &Path) -> Result<Entries, String> {
    let shown = path.display();
    let text = files::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {shown}: {error}"))?;
    text.parse()
        .map_err(|error| format!("{shown}: {}", Causes(&error)))
}
