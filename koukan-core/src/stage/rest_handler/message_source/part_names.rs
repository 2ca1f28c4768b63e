//! The names of parts that a message shares with others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    message::builder::Spec,
    resource::{Refusal, RefusalKind},
};

/// The names of the parts of one message.
///
/// A shared part keeps the name that its client knows: the `create_id` beside the `reuse_uri`, or
/// else the name it has where it comes from.
pub(super) struct Names {
    /// Those of parts that are uploaded.
    uploaded: BTreeSet<Box<str>>,
    /// Those of parts that are shared.
    reused: BTreeMap<Key, Box<str>>,
}

/// A URI, and the `create_id` beside it.
type Key = (Box<str>, Option<Box<str>>);

impl Names {
    pub(super) fn of(spec: &Spec) -> Self {
        Self {
            uploaded: spec.create_ids().into_iter().map(Into::into).collect(),
            reused: BTreeMap::new(),
        }
    }

    /// The name of the part shared from `uri`, which is called `there` at its origin; the name is
    /// `id` if that is given.
    pub(super) fn name(
        &mut self,
        uri: &str,
        id: Option<&str>,
        there: &str,
    ) -> Result<Box<str>, Refusal> {
        let name = match id {
            Some(id) if self.is_of_another(id, uri) => {
                let detail = format!("{id} is the create_id of two different contents");
                return Err(Refusal::new(RefusalKind::Conflict, detail));
            }
            Some(id) => id.into(),
            None => self.free(uri, there),
        };
        let key = (uri.into(), id.map(Into::into));
        self.reused.insert(key, name.clone());
        Ok(name)
    }

    /// The name that was given earlier.
    pub(super) fn known(&self, uri: &str, id: Option<&str>) -> Option<Box<str>> {
        let key = (uri.into(), id.map(Into::into));
        self.reused.get(&key).cloned()
    }

    fn free(&self, uri: &str, wanted: &str) -> Box<str> {
        let mut name = wanted.to_owned();
        while self.uploaded.contains(&*name) || self.is_of_another(&name, uri) {
            name.push('-');
        }
        name.into()
    }

    fn is_of_another(&self, name: &str, uri: &str) -> bool {
        let mut reused = self.reused.iter();
        reused.any(|((other, _), known)| **known == *name && **other != *uri)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(create_ids: &[&str]) -> Names {
        let part = |id| json!({"content_type": "image/png", "content": {"create_id": id}});
        let parts: Vec<_> = create_ids.iter().map(part).collect();
        Names::of(&Spec::from_json(&json!({"file_attachments": parts})).unwrap())
    }

    #[test]
    fn what_is_shared_keeps_the_name_that_is_known() {
        let mut names = names(&["cat"]);
        assert_eq!(&*names.name("/1", Some("img"), "x").unwrap(), "img");
        assert_eq!(&*names.name("/2", None, "dog").unwrap(), "dog");
        assert_eq!(names.known("/1", Some("img")).as_deref(), Some("img"));
        assert_eq!(names.known("/1", None), None);
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        let mut names = names(&["cat"]);
        assert_eq!(&*names.name("/1", None, "cat").unwrap(), "cat-");
        assert_eq!(&*names.name("/2", None, "cat").unwrap(), "cat--");
        // Then an upload with that name is the same content.
        assert_eq!(&*names.name("/3", Some("cat"), "x").unwrap(), "cat");
        let refused = names.name("/4", Some("cat"), "x").unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Conflict);
    }
}
