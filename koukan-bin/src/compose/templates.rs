//! The template of notifications; follows its file.

use std::path::Path;

use koukan_core::message::dsn::Words;

use super::StartError;
use crate::config::{Notification, read_template};
use crate::stamps::Stamps;

/// The template of notifications. Clones follow the same file.
#[derive(Debug, Clone)]
pub(crate) struct TemplateFile {
    file: Option<Stamps>,
    words: Words,
}

impl TemplateFile {
    /// Reads the template, and follows its file from now on; without a file, takes the default.
    pub(super) fn new(config: Option<&Notification>) -> Result<Self, StartError> {
        let Some(path) = config.and_then(|config| config.template.as_ref()) else {
            return Ok(Self {
                file: None,
                words: Words::default(),
            });
        };
        let file = Stamps::new([path.value.clone()]);
        let template = read_template(&path.value);
        let template = template.map_err(|(what, _)| StartError::Config(what))?;
        Ok(Self {
            file: Some(file),
            words: Words::new(template),
        })
    }

    /// The present texts of notifications.
    pub(super) fn words(&self) -> Words {
        self.words.clone()
    }

    /// Reads the file again if it has changed. If it cannot be used, for example in the middle of a
    /// change, the template stays as it is.
    pub(super) fn look(&mut self) {
        let changed = self.file.as_mut().and_then(Stamps::changed);
        let Some(path) = changed.map(Path::to_owned) else {
            return;
        };
        match read_template(&path) {
            Ok(template) => {
                tracing::info!(file = %path.display(), "the template of notifications was read anew");
                self.words.replace(template);
            }
            Err((error, help)) => tracing::warn!(
                error,
                help,
                "cannot read the template of notifications anew, the old one stays"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Place;

    #[test]
    fn it_follows_its_file_as_long_as_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("language: en\nfrom: Post office");
        let config = Notification {
            sender: Place::nowhere("x".into()),
            tag: None,
            delayed_after: None,
            template: Some(Place::nowhere(path.clone())),
        };
        let mut file = TemplateFile::new(Some(&config)).unwrap();
        let words = file.words();
        let first = words.template();
        assert_eq!(*first, "language: en\nfrom: Post office".parse().unwrap());
        write("language: en\nfrom: {to} of the post office");
        file.look();
        assert_eq!(words.template(), first);
        write("language: en\nfrom: Postmaster");
        file.look();
        let second = words.template();
        assert_eq!(*second, "language: en\nfrom: Postmaster".parse().unwrap());
        fs::remove_file(&path).unwrap();
        file.look();
        assert_eq!(words.template(), second);
        assert!(TemplateFile::new(Some(&config)).is_err());
    }
}
