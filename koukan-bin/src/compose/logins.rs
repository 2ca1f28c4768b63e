//! The credentials that this agent uses with SMTP servers.

use std::path::Path;

use koukan_core::{blocking::BlockingPool, files};
use koukan_smtp::client::Login;

use super::StartError;
use crate::{config::ClientAuth, registry::FollowedFiles, stamps::Stamps};

/// The files with passwords and tokens of all endpoints. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoginFiles(FollowedFiles);

impl LoginFiles {
    /// Reads a file, and follows it from now on. If it later cannot be read, for example in the
    /// middle of a change, the secret stays as it is.
    pub(super) fn add(&self, config: &ClientAuth) -> Result<Login, StartError> {
        let none = || StartError::Config("neither a password nor a token".into());
        let path = &config.file().ok_or_else(none)?.value;
        let stamps = Stamps::new([path.clone()]);
        let secret = read(path).map_err(StartError::Config)?;
        let user = config.user.value.as_str();
        let login = match config.password_file {
            Some(_) => Login::with_password(user, secret),
            None => Login::with_token(user, secret),
        };
        let login = match config.clear {
            true => login.in_clear(),
            false => login,
        };
        let replaced = login.clone();
        self.0.follow(stamps, move |path| match read(path) {
            Ok(secret) => {
                tracing::info!(file = %path.display(), "a password or token was read anew");
                replaced.replace(secret);
            }
            Err(error) => tracing::warn!(
                error,
                "cannot read a password or token anew, the old one stays"
            ),
        });
        Ok(login)
    }

    /// Reads files again that have changed.
    pub(super) fn look(&self, pool: &BlockingPool) {
        self.0.look(pool);
    }
}

/// The text of a file, without white space around it.
fn read(path: &Path) -> Result<String, String> {
    let text = files::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(secret.to_owned()),
    }
}
