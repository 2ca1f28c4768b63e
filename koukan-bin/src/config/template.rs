//! The template of notifications.

use std::path::Path;

use koukan_core::{files, message::dsn::Template};

/// Reads a template; the error says what is wrong, and what to do.
pub(crate) fn read_template(path: &Path) -> Result<Template, (String, String)> {
    let shown = path.display();
    let octets = files::read(path).map_err(|error| {
        let help = "name a file that holds a template, and that this user may read";
        (format!("cannot read {shown}: {error}"), help.to_owned())
    })?;
    Template::from_utf8(&octets).map_err(|error| {
        let what = format!("{shown}:{}: {}", error.line(), error.what());
        (what, error.remedy().to_owned())
    })
}
