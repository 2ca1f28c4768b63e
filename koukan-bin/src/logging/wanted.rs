//! Reads `KOUKAN_LOG`.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::nearest;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads a level, or a list of `target=level`; `None` if the text is empty.
///
/// # Errors
///
/// What is wrong, and in which part.
pub(super) fn wanted(text: &str) -> Result<Option<Targets>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut targets = Targets::new();
    for part in text.split(',').map(str::trim) {
        match part.rsplit_once('=') {
            Some((target, written)) => {
                check_target(target, part)?;
                targets = targets.with_target(target, level(written)?);
            }
            None if part.is_empty() => return Err("there is nothing beside a comma".into()),
            None => match level(part) {
                Ok(level) => targets = targets.with_default(level),
                Err(_) if is_target(part) && part.contains(['_', ':']) => {
                    return Err(format!(
                        "`{part}` has no level: write it as in `{part}=debug`"
                    ));
                }
                Err(wrong) => return Err(wrong),
            },
        }
    }
    Ok(Some(targets))
}

fn level(text: &str) -> Result<LevelFilter, String> {
    // The parser would read an empty text as `error`.
    let read = Some(text).filter(|text| !text.is_empty());
    read.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let meant = nearest(&text.to_lowercase(), LEVELS);
        let meant = meant.map_or_else(
            || format!("one of {} is expected", LEVELS.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        format!("`{text}` is not a level: {meant}")
    })
}

fn check_target(target: &str, part: &str) -> Result<(), String> {
    if target.is_empty() {
        return Err(format!("`{part}` has no target before `=`"));
    }
    if is_target(target) {
        return Ok(());
    }
    Err(format!(
        "`{target}` is not a target: write the path of a module, as in `koukan_smtp::server=debug`"
    ))
}

/// Whether it can be the path of a module, or another name given to a target.
fn is_target(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    !text.is_empty() && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_and_targets_are_read() {
        let is_enabled = |text: &str, target: &str, level: Level| {
            let targets = wanted(text).unwrap().unwrap();
            targets.would_enable(target, &level)
        };
        assert!(is_enabled("debug", "koukan_core", Level::DEBUG));
        assert!(is_enabled(" WARN ", "koukan_core", Level::WARN));
        assert!(!is_enabled("warn", "koukan_core", Level::INFO));
        let both = "warn, koukan_smtp::server=trace";
        assert!(is_enabled(both, "koukan_smtp::server", Level::TRACE));
        assert!(is_enabled(both, "koukan_core", Level::WARN));
        assert!(!is_enabled(both, "koukan_core", Level::INFO));
        assert!(!is_enabled("off", "koukan_core", Level::ERROR));
        for nothing in ["", "  "] {
            assert_eq!(wanted(nothing), Ok(None));
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("inof", "`inof` is not a level: did you mean `info`?"),
            ("Debig", "`Debig` is not a level: did you mean `debug`?"),
            (
                "verbose",
                "`verbose` is not a level: one of off, error, warn, info, debug, trace is expected",
            ),
            (
                "koukan_smtp",
                "`koukan_smtp` has no level: write it as in `koukan_smtp=debug`",
            ),
            (
                "koukan_smtp=verbos",
                "`verbos` is not a level: one of off, error, warn, info, debug, trace is expected",
            ),
            ("warn,koukan_smtp=", "`` is not a level: one of off"),
            ("=debug", "`=debug` has no target before `=`"),
            ("info,,debug", "there is nothing beside a comma"),
            ("info,", "there is nothing beside a comma"),
            (
                "koukan[span]=debug",
                "`koukan[span]` is not a target: write the path of a module",
            ),
            ("koukan smtp=debug", "`koukan smtp` is not a target"),
            ("a=b=debug", "`a=b` is not a target"),
        ] {
            let wrong = wanted(text).unwrap_err();
            assert!(wrong.starts_with(told), "{text}: {wrong}");
        }
    }
}
