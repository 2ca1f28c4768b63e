//! One text of a template.

use std::borrow::Cow;

use super::{
    entry::{Entry, Slot},
    error::TemplateError,
};

/// A text with placeholders. Each paragraph is a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Slot(Slot),
}

impl Text {
    /// Adds a line of a template.
    pub(super) fn add(
        &mut self,
        entry: Entry,
        number: usize,
        line: &str,
    ) -> Result<(), TemplateError> {
        let wrong = |what, remedy| Err(TemplateError::new(number, what, remedy));
        if line.trim() == "." {
            self.words("\n");
            return Ok(());
        }
        if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
            let what = format!(
                "there is the control character U+{:04X}",
                u32::from(control)
            );
            return wrong(what, "leave it out".to_owned());
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let line = words.join(" ");
        let mut rest = &*line;
        if !rest.is_empty() && !self.0.is_empty() && !self.ends_paragraph() {
            self.words(" ");
        }
        while let Some(at) = rest.find(['{', '}']) {
            self.words(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                self.words(brace);
                rest = after;
                continue;
            }
            let place = after.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = place else {
                let what = format!("`{brace}` stands alone");
                return wrong(
                    what,
                    format!("write `{brace}{brace}` for a brace, and `{{NAME}}` for a place"),
                );
            };
            let slots = entry.allowed();
            let Some(slot) = slots.iter().find(|slot| slot.name() == name) else {
                let what = format!("`{}` has no place {{{name}}}", entry.name());
                return wrong(what, remedy(slots));
            };
            self.0.push(Piece::Slot(*slot));
            rest = after;
        }
        self.words(rest);
        Ok(())
    }

    /// Checks that the text has all required placeholders.
    pub(super) fn check(&self, entry: Entry, number: usize) -> Result<(), TemplateError> {
        let has = |slot: &Slot| self.0.contains(&Piece::Slot(*slot));
        let wrong = |what, remedy| Err(TemplateError::new(number, what, remedy));
        if self.0.is_empty() && entry != Entry::Closing {
            let what = format!("the text `{}` is empty", entry.name());
            return wrong(what, "write it behind the colon".to_owned());
        }
        match entry.required().iter().find(|slot| !has(slot)) {
            None => Ok(()),
            Some(slot) => {
                let (entry, slot) = (entry.name(), slot.name());
                let what = format!("the text `{entry}` lacks the place {{{slot}}}");
                wrong(what, format!("write {{{slot}}} where it is to stand"))
            }
        }
    }

    /// The text with its placeholders filled in. Each paragraph is a line.
    pub(super) fn fill<'a>(&self, value: impl Fn(Slot) -> Cow<'a, str>) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => filled.push_str(words),
                Piece::Slot(slot) => filled.push_str(&value(*slot)),
            }
        }
        filled
    }

    fn words(&mut self, words: &str) {
        match self.0.last_mut() {
            _ if words.is_empty() => {}
            Some(Piece::Words(before)) => before.push_str(words),
            _ => self.0.push(Piece::Words(words.to_owned())),
        }
    }

    fn ends_paragraph(&self) -> bool {
        matches!(self.0.last(), Some(Piece::Words(words)) if words.ends_with('\n'))
    }
}

fn remedy(slots: &[Slot]) -> String {
    let names: Vec<_> = slots
        .iter()
        .map(|slot| format!("{{{}}}", slot.name()))
        .collect();
    match names.is_empty() {
        true => "it has no places at all; `{{` stands for a brace".to_owned(),
        false => format!(
            "its places are {}; `{{{{` stands for a brace",
            names.join(", ")
        ),
    }
}
