//! Aliases: recipients that stand for others.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    sync::Arc,
};

use crate::{
    filter::Replaceable,
    path::{ForwardPath, Mailbox, domain_key},
};

use super::{Decision, Policy};

/// How many recipients an alias may stand for, after all nested aliases were followed.
pub const MEMBERS_MAX: usize = 1000;

/// How deep aliases may be nested.
const DEPTH_MAX: usize = 20;

/// A table of aliases: recipients that stand for one or several others, and catch-alls of domains.
///
/// *Shape*: lines of `alias: member, member`, each a mailbox. `@domain: member` catches all recipients of a domain
/// that have no line. A line that begins with a blank continues the one before. Empty lines, and text after `#`, are
/// ignored. ASCII case does not matter in aliases.
///
/// A member that is itself an alias stands for its own members. The exception is an alias in its own line, which is
/// a mailbox: `bob@example.com: bob@example.com, carol@example.com` sends copies to carol. Catch-alls do not apply
/// to members. Everything is resolved when the table is read: aliases that lead back to themselves through others
/// are an error, and so are more than [`MEMBERS_MAX`] members.
///
/// # Example
///
/// ```
/// use koukan_core::filter::router::Aliases;
///
/// let aliases: Aliases = "
///     sales@example.com: ann@example.com, team@example.com
///     team@example.com:  bob@example.com, eve@example.net   # both of them
///     @example.com:      ann@example.com
/// ".lines().map(|line| format!("{}\n", line.trim())).collect::<String>().parse()?;
/// let members = aliases.members_of(&"Sales@example.com".parse()?).unwrap();
/// let members: Vec<_> = members.iter().map(|member| member.as_str()).collect();
/// assert_eq!(members, ["ann@example.com", "bob@example.com", "eve@example.net"]);
/// assert!(aliases.members_of(&"any@example.com".parse()?).is_some());
/// assert!(aliases.members_of(&"any@example.net".parse()?).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Aliases(HashMap<Box<str>, Arc<[ForwardPath]>>);

/// Why a table of aliases cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
#[non_exhaustive]
pub struct InvalidAliases {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong.
    pub why: Box<str>,
}

/// A line of a table.
struct Entry<'a> {
    line: usize,
    alias: &'a str,
    members: Vec<Mailbox>,
}

/// Lines by the keys of their aliases.
type Entries<'a> = HashMap<Box<str>, Entry<'a>>;

impl Aliases {
    /// The members, if the recipient is an alias.
    pub fn members_of(&self, recipient: &ForwardPath) -> Option<Arc<[ForwardPath]>> {
        self.find(recipient.mailbox()?, None)
    }

    fn find(&self, mailbox: &Mailbox, delimiter: Option<char>) -> Option<Arc<[ForwardPath]>> {
        let (local, domain) = (mailbox.unquoted_local_part(), mailbox.domain_text());
        let found = self.0.get(&key(&local, domain));
        let found = found.or_else(|| {
            let (base, _) = local.split_once(delimiter?)?;
            self.0.get(&key(base, domain))
        });
        found.or_else(|| self.0.get(&key("", domain))).cloned()
    }
}

impl FromStr for Aliases {
    type Err = InvalidAliases;

    fn from_str(text: &str) -> Result<Self, InvalidAliases> {
        let entries = entries(text)?;
        let mut all = HashMap::with_capacity(entries.len());
        for (key, entry) in &entries {
            let mut following = Following {
                entries: &entries,
                above: vec![key],
                followed: HashSet::new(),
                known: HashSet::new(),
                members: Vec::new(),
            };
            following.follow(entry).map_err(|why| InvalidAliases {
                line: entry.line,
                why,
            })?;
            all.insert(key.clone(), following.members.into());
        }
        Ok(Self(all))
    }
}

/// The state while an alias is followed.
struct Following<'a> {
    entries: &'a Entries<'a>,
    /// The keys from the alias down to the current line.
    above: Vec<&'a str>,
    /// The keys of the lines that were followed, each once.
    followed: HashSet<Box<str>>,
    /// The keys of the members.
    known: HashSet<Box<str>>,
    members: Vec<ForwardPath>,
}

impl<'a> Following<'a> {
    fn follow(&mut self, entry: &'a Entry<'a>) -> Result<(), Box<str>> {
        for member in &entry.members {
            let key = key(&member.unquoted_local_part(), member.domain_text());
            let is_own = self.above.last().is_some_and(|own| **own == *key);
            let next = self.entries.get_key_value(&key).filter(|_| !is_own);
            if let Some((key, _)) = next
                && self.above.contains(&&**key)
            {
                let way = self.above.iter().map(|key| &self.entries[*key]);
                let way: Vec<_> = way.map(|entry| entry.alias).collect();
                let text = format!(
                    "`{}` leads back to itself: {} → {member}",
                    way[0],
                    way.join(" → ")
                );
                return Err(text.into());
            }
            let Some((key, entry)) = next else {
                if !self.known.insert(key) {
                    continue;
                }
                if self.members.len() >= MEMBERS_MAX {
                    let text = format!("an alias stands for {MEMBERS_MAX} recipients at most");
                    return Err(text.into());
                }
                self.members.push(ForwardPath::from(member.clone()));
                continue;
            };
            if !self.followed.insert(key.clone()) {
                continue;
            }
            if self.above.len() >= DEPTH_MAX {
                let text = format!("more than {DEPTH_MAX} aliases stand one below the other");
                return Err(text.into());
            }
            self.above.push(key);
            self.follow(entry)?;
            self.above.pop();
        }
        Ok(())
    }
}

/// Reads the lines of a table.
fn entries(text: &str) -> Result<Entries<'_>, InvalidAliases> {
    let mut found = Entries::new();
    let mut last: Option<Box<str>> = None;
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let wrong = |why: String| InvalidAliases {
            line,
            why: why.into(),
        };
        let content = whole.split_once('#').map_or(whole, |(content, _)| content);
        if content.trim().is_empty() {
            continue;
        }
        if content.starts_with([' ', '\t']) {
            let before = last.as_ref().and_then(|key| found.get_mut(key));
            let before = before.ok_or_else(|| {
                wrong(
                    "it begins with a blank, and there is no line that it could go on with".into(),
                )
            })?;
            before.members.extend(members(content).map_err(wrong)?);
            continue;
        }
        let Some((alias, rest)) = content.split_once(':') else {
            return Err(wrong(format!(
                "`{}`: write an alias, `:` and whom it stands for, as in `a@example.com: b@example.com`",
                content.trim()
            )));
        };
        let alias = alias.trim();
        let key = key_of(alias).ok_or_else(|| {
            wrong(format!(
                "`{alias}` is neither a mailbox nor `@` and a domain"
            ))
        })?;
        let entry = Entry {
            line,
            alias,
            members: members(rest).map_err(wrong)?,
        };
        if let Some(before) = found.insert(key.clone(), entry) {
            return Err(wrong(format!(
                "`{alias}` stands in line {} already",
                before.line
            )));
        }
        last = Some(key);
    }
    match found.values().find(|entry| entry.members.is_empty()) {
        None => Ok(found),
        Some(Entry { line, alias, .. }) => Err(InvalidAliases {
            line: *line,
            why: format!("`{alias}` stands for nobody: name somebody, or remove it").into(),
        }),
    }
}

fn members(text: &str) -> Result<Vec<Mailbox>, String> {
    let members = text.split(',').map(str::trim);
    let members = members.filter(|member| !member.is_empty());
    let parsed = members.map(|member| {
        let parsed = member.parse::<Mailbox>();
        parsed.map_err(|error| format!("`{member}` is no mailbox: {error}"))
    });
    parsed.collect()
}

/// The key of an alias as written.
fn key_of(alias: &str) -> Option<Box<str>> {
    if let Some(domain) = alias.strip_prefix('@') {
        let probe: Mailbox = format!("x@{domain}").parse().ok()?;
        return Some(key("", probe.domain_text()));
    }
    let mailbox: Mailbox = alias.parse().ok()?;
    Some(key(&mailbox.unquoted_local_part(), mailbox.domain_text()))
}

/// The key of a mailbox; the key of a catch-all has no local part.
fn key(local: &str, domain: &str) -> Box<str> {
    format!("{}@{}", local.to_ascii_lowercase(), domain_key(domain)).into()
}

/// Expands recipients by a table of aliases, which may be replaced while it is in use.
#[derive(Debug, Clone)]
pub struct Expand {
    aliases: Replaceable<Aliases>,
    delimiter: Option<char>,
}

impl Expand {
    /// Expands the aliases of this table.
    pub fn new(aliases: Replaceable<Aliases>) -> Self {
        Self {
            aliases,
            delimiter: None,
        }
    }

    /// For recipients that are not aliases, ignores what follows the first `delimiter` in the local
    /// part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }
}

impl Policy for Expand {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let Some(mailbox) = recipient.mailbox() else {
            return Decision::Pass;
        };
        let members = self.aliases.current().find(mailbox, self.delimiter);
        members.map_or(Decision::Pass, Decision::Expand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Aliases, InvalidAliases> {
        text.parse()
    }

    fn members(aliases: &Aliases, alias: &str) -> Vec<String> {
        let members = aliases.members_of(&alias.parse().unwrap());
        let members = members.iter().flat_map(|members| members.iter());
        members.map(|member| member.as_str().to_owned()).collect()
    }

    #[test]
    fn aliases_are_followed_to_the_end_and_each_member_is_there_once() {
        let aliases = read(
            "# people\nall@x: a@x, team@x\n\tc@y,\n  a@x # again\nteam@x: b@x, c@y\n\
             A@x: a@x, copies@z\nany@x: \"all\"@X\n@y: all@x\n",
        )
        .unwrap();
        assert_eq!(
            members(&aliases, "all@x"),
            ["a@x", "copies@z", "b@x", "c@y"]
        );
        assert_eq!(members(&aliases, "ANY@X"), members(&aliases, "all@x"));
        assert_eq!(members(&aliases, "a@x"), ["a@x", "copies@z"]);
        assert_eq!(members(&aliases, "whoever@y"), members(&aliases, "all@x"));
        assert!(members(&aliases, "other@x").is_empty());
        assert!(members(&aliases, "postmaster").is_empty());
    }

    #[test]
    fn what_stands_behind_a_delimiter_counts_for_aliases_of_that_name_alone() {
        let aliases = read("a@x: b@y\na+z@x: c@y\n").unwrap();
        let expand = Expand::new(Replaceable::new(aliases)).with_delimiter('+');
        for (recipient, expected) in [
            ("a+q@x", Some("b@y")),
            ("a+z@x", Some("c@y")),
            ("b+a@x", None),
        ] {
            let found = match expand.decide(&recipient.parse().unwrap()) {
                Decision::Expand(members) => Some(members[0].as_str().to_owned()),
                _ => None,
            };
            assert_eq!(found.as_deref(), expected, "{recipient}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        let many: String = (0..=MEMBERS_MAX).map(|n| format!("m{n}@x,")).collect();
        let deep: String = (0..30).map(|n| format!("d{n}@x: d{}@x\n", n + 1)).collect();
        for (text, line, expected) in [
            (
                "a@x: b@x\nb@x: c@x\nc@x: b@x\n",
                0,
                "leads back to itself: ",
            ),
            ("a@x: b@x\nb@x: a@x\n", 0, "leads back to itself: "),
            ("\na@x b@x\n", 2, "write an alias"),
            (
                "a@x: b@x\n\nA@X: c@x\n",
                3,
                "`A@X` stands in line 1 already",
            ),
            ("a@x: b\n", 1, "`b` is no mailbox"),
            ("a: b@x\n", 1, "`a` is neither a mailbox nor"),
            ("a@x:\n", 1, "stands for nobody"),
            (" a@x\n", 1, "begins with a blank"),
            (&format!("a@x: {many}\n"), 1, "1000 recipients at most"),
            (&deep, 0, "one below the other"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.why.contains(expected), "{error}");
            assert!(line == 0 || error.line == line, "{error}");
        }
    }

    #[test]
    fn aliases_that_share_members_take_no_longer_for_it() {
        // Each of twenty levels names both aliases of the next. Followed one by one, that would be a
        // million ways.
        let level = |n: usize, x: char| format!("{x}{n}@x: a{}@x, b{}@x\n", n + 1, n + 1);
        let text: String = (0..18)
            .flat_map(|n| [level(n, 'a'), level(n, 'b')])
            .collect();
        let aliases = read(&text).unwrap();
        assert_eq!(members(&aliases, "a0@x"), ["a18@x", "b18@x"]);
    }
}
