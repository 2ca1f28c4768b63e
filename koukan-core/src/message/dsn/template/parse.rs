//! Parses a template.

use crate::path::domain_key;

use super::{entry::Entry, error::TemplateError, language::Language, text::Text};

/// The language that may omit texts.
const ENGLISH: &str = "en";

/// A language as far as it was read.
struct Begun {
    tag: String,
    line: usize,
    domains: Vec<String>,
    texts: Vec<Option<Text>>,
}

/// Reads the languages of a template; `english` provides the texts that the template's English
/// omits.
pub(super) fn parse(
    text: &str,
    english: Option<&Language>,
) -> Result<Vec<Language>, TemplateError> {
    let wrong = |line, what: String, remedy: &str| Err(TemplateError::new(line, what, remedy));
    let mut languages: Vec<Begun> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, first)) = line.split_once(':') else {
            let what = "this is neither a text nor a comment".to_owned();
            return wrong(
                number,
                what,
                "write `NAME: TEXT`; begin the line with a blank where it goes on with the text above, \
                 and with `#` where it is a comment",
            );
        };
        if name == "language" {
            let tag = tag(first.trim(), number)?;
            if languages.iter().any(|known| known.tag == tag) {
                let what = format!("the language `{tag}` is there twice");
                return wrong(number, what, "put its texts together");
            }
            languages.push(Begun::new(tag, number));
            continue;
        }
        let Some(language) = languages.last_mut() else {
            let what = "a text stands before any language".to_owned();
            return wrong(number, what, "begin with `language: en`, or another");
        };
        if name == "domains" {
            language.domains = domains(first, number)?;
            continue;
        }
        let Some(entry) = Entry::ALL.into_iter().find(|entry| entry.name() == name) else {
            let names: Vec<_> = Entry::ALL.iter().map(|entry| entry.name()).collect();
            let what = format!("there is no text called `{}`", name.escape_debug());
            let remedy = format!("there are `language`, `domains`, `{}`", names.join("`, `"));
            return wrong(number, what, &remedy);
        };
        let mut text = Text::default();
        text.add(entry, number, first)?;
        while let Some((number, more)) = lines.next_if(|(_, line)| continues(line)) {
            text.add(entry, number, more)?;
        }
        text.check(entry, number)?;
        if language.texts[entry as usize].replace(text).is_some() {
            let what = format!("the text `{}` is there twice", entry.name());
            return wrong(number, what, "leave one of them");
        }
    }
    finish(languages, english)
}

/// Whether a line continues the text above.
fn continues(line: &str) -> bool {
    line.starts_with([' ', '\t']) && !line.trim().is_empty()
}

fn finish(
    languages: Vec<Begun>,
    english: Option<&Language>,
) -> Result<Vec<Language>, TemplateError> {
    let Some(first) = languages.first() else {
        let what = "there is no language in it".to_owned();
        return Err(TemplateError::new(
            1,
            what,
            "begin with `language: en`, or another",
        ));
    };
    if languages
        .iter()
        .all(|language| !language.domains.is_empty())
    {
        let what = "no language is for those who are at none of the `domains`".to_owned();
        let remedy = "leave out the `domains` of one language";
        return Err(TemplateError::new(first.line, what, remedy));
    }
    let finished = languages.into_iter().map(|it| it.finish(english));
    finished.collect()
}

impl Begun {
    fn new(tag: String, line: usize) -> Self {
        Self {
            tag,
            line,
            domains: Vec::new(),
            texts: vec![None; Entry::ALL.len()],
        }
    }

    fn finish(self, english: Option<&Language>) -> Result<Language, TemplateError> {
        let mut texts = Vec::with_capacity(self.texts.len());
        let mut missing = Vec::new();
        let default = english.filter(|_| self.tag == ENGLISH);
        for (entry, text) in Entry::ALL.into_iter().zip(self.texts) {
            let text = text.or_else(|| match (default, entry) {
                (_, Entry::Closing) => Some(Text::default()),
                (Some(default), _) => Some(default.texts[entry as usize].clone()),
                (None, _) => None,
            });
            match text {
                Some(text) => texts.push(text),
                None => missing.push(entry.name()),
            }
        }
        if let [first, ..] = &missing[..] {
            let what = format!("the language `{}` has no text `{first}`", self.tag);
            let remedy = match missing.len() {
                1 => format!("add a line `{first}: …`"),
                _ => format!("add lines for `{}`", missing.join("`, `")),
            };
            return Err(TemplateError::new(self.line, what, remedy));
        }
        Ok(Language {
            tag: self.tag,
            domains: self.domains,
            texts,
        })
    }
}

/// A language tag, judged by its form: RFC 5646 section 2.1.
fn tag(text: &str, line: usize) -> Result<String, TemplateError> {
    let is_subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_alphanumeric())
    };
    let first = text.split('-').next().unwrap_or_default();
    let is_first = (2..=8).contains(&first.len()) && first.bytes().all(|c| c.is_ascii_alphabetic());
    match is_first && text.split('-').all(is_subtag) {
        true => Ok(text.to_ascii_lowercase()),
        false => {
            let what = format!("`{}` is no language", text.escape_debug());
            let remedy = "write a tag as in `en`, `de-at` or `zh-hant`";
            Err(TemplateError::new(line, what, remedy))
        }
    }
}

fn domains(text: &str, line: usize) -> Result<Vec<String>, TemplateError> {
    let names = text.split([',', ' ', '\t']).filter(|name| !name.is_empty());
    let names: Vec<_> = names.map(domain_key).collect();
    let is_wrong = |name: &&String| {
        let name = name.strip_prefix('.').unwrap_or(name);
        let mut labels = name.split('.');
        labels.any(str::is_empty) || name.contains(|c: char| c.is_control() || "@:<>/".contains(c))
    };
    let wrong = |what| {
        let remedy = "write domains as in `example.de, .at`";
        Err(TemplateError::new(line, what, remedy))
    };
    match names.iter().find(is_wrong) {
        Some(name) => wrong(format!("`{}` is no domain", name.escape_debug())),
        None if names.is_empty() => wrong("there is no domain".to_owned()),
        None => Ok(names),
    }
}
