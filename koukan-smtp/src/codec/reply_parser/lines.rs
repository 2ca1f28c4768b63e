//! The lines of one reply, collected until the last one arrives.

use koukan_core::reply::{EnhancedCode, Reply};

use super::{
    CodesDiffer, InvalidReply, LINES_MAX, TEXT_MAX,
    line::{Line, code, readable},
};

/// The reply that the lines so far make up.
#[derive(Debug)]
pub(super) struct Lines {
    /// The three digits of the last line that had a code.
    number: u16,
    enhanced: Option<EnhancedCode>,
    text: String,
    count: usize,
    /// How the lines' codes differ, if they do.
    differ: Option<CodesDiffer>,
}

impl Lines {
    pub(super) fn start(line: &Line<'_>) -> Self {
        let text = readable(line.text);
        let (enhanced, text) = match line.split_enhanced(&text) {
            Some((enhanced, text)) => (Some(enhanced), text),
            None => (None, &*text),
        };
        Self {
            number: line.number,
            enhanced,
            text: text.to_owned(),
            count: 1,
            differ: None,
        }
    }

    /// Adds a line. The code of the latest line counts.
    pub(super) fn add(&mut self, line: &Line<'_>) {
        let is_other_class = line.class() != self.number / 100;
        if line.number != self.number {
            let before = self.differ.is_some_and(|differ| differ.in_class);
            self.differ = Some(CodesDiffer {
                in_class: before || is_other_class,
            });
        }
        self.number = line.number;
        // An enhanced code that differs from the first line's stays in the text, so that it is not lost.
        let whole = readable(line.text);
        let text = match line.split_enhanced(&whole) {
            Some((enhanced, text)) if is_other_class => {
                self.enhanced = Some(enhanced);
                text
            }
            Some((enhanced, text)) if self.enhanced == Some(enhanced) => text,
            _ => {
                self.enhanced = self.enhanced.filter(|_| !is_other_class);
                &whole
            }
        };
        self.add_text(text);
    }

    /// Adds a line without a code: within a reply it can only be text.
    pub(super) fn add_text(&mut self, text: &str) {
        self.count += 1;
        if self.count <= LINES_MAX && self.text.len() + text.len() <= TEXT_MAX {
            self.text.push('\n');
            self.text.push_str(text);
        }
    }

    pub(super) fn into_reply(self) -> Result<Reply, InvalidReply> {
        let reply = Reply::new(code(self.number)?, self.enhanced, self.text);
        Ok(match self.differ {
            Some(differ) => reply.with_extension(differ),
            None => reply,
        })
    }
}
