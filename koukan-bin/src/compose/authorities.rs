//! Authorities whose certificates are believed of clients, and how they follow their files.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use koukan_core::{causes::Causes, tls::Authorities};

use crate::stamps::Stamps;

use super::StartError;

/// The files of all listeners. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(super) struct AuthorityFiles(Arc<Mutex<Vec<Followed>>>);

#[derive(Debug)]
struct Followed {
    file: Stamps,
    authorities: Authorities,
}

impl AuthorityFiles {
    /// Reads a file, and follows it from now on.
    pub(super) fn add(&self, path: &Path) -> Result<Authorities, StartError> {
        let file = Stamps::new([path.to_owned()]);
        let wrong = |error| StartError::Config(format!("{}: {error}", path.display()));
        let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let authorities = Authorities::from_pem(&pem);
        let authorities = authorities.map_err(|error| wrong(Causes(&error).to_string()))?;
        let followed = Followed {
            file,
            authorities: authorities.clone(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(followed);
        Ok(authorities)
    }

    /// Reads files anew that have changed.
    pub(super) fn look(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(Followed::look);
    }
}

impl Followed {
    /// What cannot be read, as amid a change, leaves them as they are.
    fn look(&mut self) {
        let Some(path) = self.file.changed() else {
            return;
        };
        let file = path.display();
        let read = fs::read(path).map_err(|error| error.to_string());
        let replaced = read.and_then(|pem| {
            let replaced = self.authorities.replace(&pem);
            replaced.map_err(|error| Causes(&error).to_string())
        });
        match replaced {
            Ok(()) => tracing::info!(%file, "authorities of clients were read anew"),
            Err(error) => {
                tracing::warn!(%file, error, "cannot read authorities anew, the old ones stay");
            }
        }
    }
}
