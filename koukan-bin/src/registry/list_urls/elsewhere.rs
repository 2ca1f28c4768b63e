//! The place of a list, from the configuration.

use std::{fmt, path::PathBuf, str::FromStr};

use koukan_core::filter::Replaceable;

use super::{ListAt, list_at};
use crate::{
    config::{ByteSize, HumanDuration, Step},
    registry::{InvalidFilter, Surroundings, list_files::list},
};

/// The place of a list that is not in the configuration itself.
#[derive(Default)]
pub(in crate::registry) struct Elsewhere {
    pub(in crate::registry) file: Option<PathBuf>,
    pub(in crate::registry) url: Option<String>,
    pub(in crate::registry) refresh: Option<HumanDuration>,
    pub(in crate::registry) max_size: Option<ByteSize>,
    pub(in crate::registry) kept_in: Option<PathBuf>,
    pub(in crate::registry) allow_empty: Option<bool>,
}

impl Elsewhere {
    /// The key that names the place, if there is one.
    pub(in crate::registry) fn key(&self) -> Option<&'static str> {
        match (&self.file, &self.url) {
            (Some(_), _) => Some("file"),
            (None, Some(_)) => Some("url"),
            (None, None) => None,
        }
    }

    /// The list, which is followed from now on; `None` if no key names a place.
    pub(in crate::registry) fn list<T>(
        self,
        surroundings: &Surroundings,
    ) -> Result<Option<Replaceable<T>>, InvalidFilter>
    where
        T: FromStr<Err: fmt::Display> + Default + Send + Sync + 'static,
    {
        let wrong = |key: &str, text: &str| InvalidFilter {
            message: text.into(),
            at: vec![Step::Key(key.into())],
        };
        let Self {
            file,
            url,
            refresh,
            max_size,
            kept_in,
            allow_empty,
        } = self;
        if url.is_none() {
            for (key, is_there) in [
                ("refresh", refresh.is_some()),
                ("max_size", max_size.is_some()),
                ("kept_in", kept_in.is_some()),
                ("allow_empty", allow_empty.is_some()),
            ] {
                if is_there {
                    return Err(wrong(
                        key,
                        "only a list with a `url` has that: leave it out",
                    ));
                }
            }
        }
        match (file, url) {
            (Some(_), Some(_)) => {
                let text = "`file` and `url` are both there: make two matchers of them, in `any`";
                Err(wrong("url", text))
            }
            (Some(file), None) => list(surroundings, &file, "file").map(Some),
            (None, Some(url)) => {
                let at = ListAt {
                    url,
                    refresh,
                    max_size,
                    kept_in,
                    allow_empty: allow_empty.unwrap_or(false),
                };
                list_at(surroundings, at).map(Some)
            }
            (None, None) => Ok(None),
        }
    }
}
