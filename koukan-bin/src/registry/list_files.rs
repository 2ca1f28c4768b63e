//! Lists in files, which follow the files.

use std::{fmt, path::Path, str::FromStr};

use koukan_core::{files, filter::Replaceable};

use super::{InvalidFilter, Surroundings};
use crate::{config::Step, stamps::Stamps};

/// Reads the list that the key names, and follows its file from now on. If it later cannot be read,
/// for example in the middle of a change, the list stays as it is.
pub(super) fn list<T>(
    surroundings: &Surroundings,
    path: &Path,
    key: &str,
) -> Result<Replaceable<T>, InvalidFilter>
where
    T: FromStr<Err: fmt::Display> + Send + Sync + 'static,
{
    let stamps = Stamps::new([path.to_owned()]);
    let list = read::<T>(path).map_err(|message| InvalidFilter {
        message,
        at: vec![Step::Key(key.into())],
    })?;
    let list = Replaceable::new(list);
    let followed = list.clone();
    surroundings
        .followed
        .follow(stamps, move |path| look(path, &followed));
    Ok(list)
}

fn look<T: FromStr<Err: fmt::Display>>(path: &Path, list: &Replaceable<T>) {
    match read(path) {
        Ok(read) => {
            list.replace(read);
            tracing::info!(file = %path.display(), "a list was read anew");
        }
        Err(error) => tracing::warn!(error, "cannot read a list anew, the old one stays"),
    }
}

fn read<T: FromStr<Err: fmt::Display>>(path: &Path) -> Result<T, String> {
    let shown = path.display();
    let text = files::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {shown}: {error}"))?;
    text.parse().map_err(|error| format!("{shown}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use koukan_core::filter::MailboxSet;

    use super::*;

    #[test]
    fn a_list_follows_its_file_and_the_last_good_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let surroundings = Surroundings::new("localhost");
        let list = || list::<MailboxSet>(&surroundings, &path, "file");
        let wrong = list().unwrap_err();
        assert!(wrong.message.contains("cannot read"), "{wrong}");

        fs::write(&path, "a.example\n").unwrap();
        let read = list().unwrap();
        let has = |mailbox: &str| read.current().contains(&mailbox.parse().unwrap(), None);
        assert!(has("x@a.example") && !has("x@b.example"));

        fs::write(&path, "a.example\nb.example\n").unwrap();
        surroundings.followed.look_here();
        assert!(has("x@a.example") && has("x@b.example"));

        fs::write(&path, "# none is right\n\nno domain\n").unwrap();
        surroundings.followed.look_here();
        assert!(has("x@b.example"));
        let wrong = list().unwrap_err();
        let told = format!("{}: line 3: `no domain`", path.display());
        assert!(wrong.message.starts_with(&told), "{wrong}");
        assert_eq!(wrong.at, [Step::Key("file".into())]);

        fs::write(&path, "c.example\n").unwrap();
        surroundings.followed.look_here();
        assert!(has("x@c.example") && !has("x@b.example"));
    }
}
