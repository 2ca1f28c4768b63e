//! The certificate authorities trusted for client certificates; follows their files.

use std::path::Path;

use koukan_core::{causes::Causes, files, tls::Authorities};

use crate::{registry::FollowedFiles, stamps::Stamps};

use super::StartError;

/// Reads a file and follows it from now on. If it later cannot be read, for example in the middle
/// of a change, the authorities stay as they are.
pub(super) fn read(path: &Path, files: &FollowedFiles) -> Result<Authorities, StartError> {
    let stamps = Stamps::new([path.to_owned()]);
    let wrong = |error| StartError::Config(format!("{}: {error}", path.display()));
    let pem = files::read(path).map_err(|error| wrong(error.to_string()))?;
    let authorities = Authorities::from_pem(&pem);
    let authorities = authorities.map_err(|error| wrong(Causes(&error).to_string()))?;
    let replaced = authorities.clone();
    files.follow(stamps, move |path| {
        let file = path.display();
        let read = files::read(path).map_err(|error| error.to_string());
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
