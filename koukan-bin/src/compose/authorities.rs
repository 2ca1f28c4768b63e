//! Authorities whose certificates are believed of clients, and how they follow their files.

use std::{fs, path::Path};

use koukan_core::{causes::Causes, tls::Authorities};

use crate::{registry::FollowedFiles, stamps::Stamps};

use super::StartError;

/// Reads a file, which is followed from now on: what cannot be read then, as amid a change, leaves them as
/// they are.
pub(super) fn read(path: &Path, files: &FollowedFiles) -> Result<Authorities, StartError> {
    let stamps = Stamps::new([path.to_owned()]);
    let wrong = |error| StartError::Config(format!("{}: {error}", path.display()));
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let authorities = Authorities::from_pem(&pem);
    let authorities = authorities.map_err(|error| wrong(Causes(&error).to_string()))?;
    let replaced = authorities.clone();
    files.follow(stamps, move |path| {
        let file = path.display();
        let read = fs::read(path).map_err(|error| error.to_string());
        let done = read.and_then(|pem| {
            let done = replaced.replace(&pem);
            done.map_err(|error| Causes(&error).to_string())
        });
        match done {
            Ok(()) => tracing::info!(%file, "authorities of clients were read anew"),
            Err(error) => {
                tracing::warn!(%file, error, "cannot read authorities anew, the old ones stay");
            }
        }
    });
    Ok(authorities)
}
