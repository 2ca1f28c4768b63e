//! Who this agent says to be to SMTP servers.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use koukan_smtp::client::Login;

use super::StartError;
use crate::{config::ClientAuth, stamps::Stamps};

/// The files of passwords and tokens of all endpoints. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoginFiles(Arc<Mutex<Vec<Followed>>>);

#[derive(Debug)]
struct Followed {
    file: Stamps,
    login: Login,
}

impl LoginFiles {
    /// Reads a file, and follows it from now on.
    pub(super) fn add(&self, config: &ClientAuth) -> Result<Login, StartError> {
        let none = || StartError::Config("neither a password nor a token".into());
        let path = &config.file().ok_or_else(none)?.value;
        let file = Stamps::new([path.clone()]);
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
        let followed = Followed {
            file,
            login: login.clone(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(followed);
        Ok(login)
    }

    /// Reads files anew that have changed.
    pub(super) fn look(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(Followed::look);
    }
}

impl Followed {
    /// What cannot be read, as amid a change, leaves the secret as it is.
    fn look(&mut self) {
        let Some(path) = self.file.changed() else {
            return;
        };
        match read(path) {
            Ok(secret) => {
                tracing::info!(file = %path.display(), "a password or token was read anew");
                self.login.replace(secret);
            }
            Err(error) => tracing::warn!(
                error,
                "cannot read a password or token anew, the old one stays"
            ),
        }
    }
}

/// The text of a file without white space around it.
fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(secret.to_owned()),
    }
}
