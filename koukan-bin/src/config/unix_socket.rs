//! Who may connect to a Unix socket.

use std::fs;

use koukan_core::network::UnixAccess;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Place;

/// The file that maps the names of groups to numbers.
const GROUPS: &str = "/etc/group";

/// The file of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnixSocket {
    /// Its permissions in octal, as in `"0660"`, which is the default. A client needs permission to write.
    #[schemars(with = "Option<String>")]
    pub mode: Option<Place<String>>,
    /// The group that owns it, by its name in `/etc/group` or its number. Default: the agent's group.
    #[schemars(with = "Option<String>")]
    pub group: Option<Place<String>>,
}

impl UnixSocket {
    /// Who may connect.
    ///
    /// # Errors
    ///
    /// The value that is wrong, and what is wrong with it.
    pub(crate) fn access(&self) -> Result<UnixAccess, (&Place<String>, String)> {
        let mut access = UnixAccess::default();
        if let Some(place) = &self.mode {
            let mode = u32::from_str_radix(&place.value, 8).ok();
            access.mode = mode.filter(|mode| *mode <= 0o777).ok_or_else(|| {
                let text = format!(
                    "`{}` are no permissions in octal, as in \"0660\"",
                    place.value
                );
                (place, text)
            })?;
        }
        if let Some(place) = &self.group {
            let group = place.value.parse().ok().or_else(|| number(&place.value));
            let unknown = || (place, format!("there is no group `{}`", place.value));
            access.group = Some(group.ok_or_else(unknown)?);
        }
        Ok(access)
    }
}

/// The number of a group.
fn number(name: &str) -> Option<u32> {
    let groups = fs::read_to_string(GROUPS).ok()?;
    let mut lines = groups.lines();
    lines.find_map(|line| {
        let mut parts = line.split(':');
        let number = (parts.next() == Some(name)).then(|| parts.nth(1))?;
        number?.parse().ok()
    })
}
