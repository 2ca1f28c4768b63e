//! The text output of `koukan migrate`.

use std::fmt::Write;

use koukan_storage::{MigrationState, Moved, Schema};

use super::word;

/// The schema before the command; `is_applied` says that pending migrations were applied.
pub(super) fn schema(before: &Schema, is_applied: bool) -> String {
    let mut text = match before.version() {
        Some(version) => format!("database {}: version {version}\n", before.database),
        None => format!("database {}: no tables\n", before.database),
    };
    let widest = before.migrations.iter().map(|one| one.name.len()).max();
    let widest = widest.unwrap_or_default();
    for one in &before.migrations {
        let state = match (one.state, is_applied) {
            (MigrationState::Pending, true) => "applied now",
            (state, _) => word(state),
        };
        let _ = writeln!(text, "{:>6}  {:widest$}  {state}", one.version, one.name);
    }
    let pending = before.pending().count();
    let migrations = match pending {
        1 => "1 migration".to_owned(),
        many => format!("{many} migrations"),
    };
    text += &match (before.is_known(), pending, is_applied) {
        (false, ..) => "it was used by a program that knows more, which this one is not for".into(),
        (true, 0, _) => "it is up to date".into(),
        (true, _, true) => format!("applied {migrations}"),
        (true, _, false) => format!("nothing was changed: with --apply, {migrations} to apply"),
    };
    text + "\n"
}

/// What was moved, or would be.
pub(super) fn moved(moved: &Moved, is_moved: bool) -> String {
    let mut text = format!("from {} to {}\n", moved.from.display(), moved.to);
    for (table, rows) in &moved.rows {
        let _ = writeln!(text, "  {table:12}  {rows:>10}");
    }
    let messages = match moved.unfinished {
        1 => "1 message that is".to_owned(),
        many => format!("{many} messages that are"),
    };
    let (messages, from) = (
        format!("{messages} still to be delivered or reported"),
        moved.from.display(),
    );
    text += &match is_moved {
        true => format!(
            "moved, with {messages}\nstart no agent on {from} any more: it would deliver them as well\n"
        ),
        false => format!("nothing was changed: with --apply it is moved, with {messages}\n"),
    };
    text
}
