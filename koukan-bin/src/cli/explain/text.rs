//! An explanation as text for people.

use std::fmt::Write as _;

use koukan_core::resource::{Explain, Explanation, Note, NotePhase, Passage, PassageOf};

use super::lines::lines;

/// The whole text.
///
/// *Shape*: first what the client would hear, then each passage with its number.
pub(super) fn text(asked: &Explain, explanation: &Explanation) -> String {
    let mut text = String::new();
    let from = path(asked.mail.reverse_path.as_str());
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "MAIL FROM:{from} on behalf of {}: {}",
        asked.context.sender, explanation.mail
    );
    for (rcpt, reply) in asked.recipients.iter().zip(&explanation.recipients) {
        let to = path(rcpt.forward_path.as_str());
        let _ = writeln!(text, "RCPT TO:{to}: {reply}");
    }
    match &explanation.message {
        Some(reply) if reply.is_positive() => text.push_str("the message would be taken\n"),
        Some(reply) => drop(writeln!(text, "the message would be refused: {reply}")),
        None => text.push_str("the message would not be asked for\n"),
    }
    for (index, passage) in explanation.passages.iter().enumerate() {
        write(&mut text, index, passage);
    }
    if !explanation.unasked.is_empty() {
        text.push_str("\nFilters would have connected to these, and found nobody there:\n");
        for address in &explanation.unasked {
            let _ = writeln!(text, "  {address}");
        }
    }
    text.push_str("\nNothing was sent.\n");
    text
}

fn write(text: &mut String, index: usize, passage: &Passage) {
    let what = match passage.of {
        PassageOf::Client => "the message".to_owned(),
        PassageOf::Part(whole) => format!("the part of {} of {}", recipient(passage), whole + 1),
        PassageOf::Copy(original) => format!("a copy of {}", original + 1),
    };
    let _ = writeln!(
        text,
        "\n{}. {what}: chain `{}` of {}",
        index + 1,
        passage.chain,
        passage.sender
    );
    match passage.filters.is_empty() {
        true => text.push_str("   it has no filters\n"),
        false => drop(writeln!(text, "   filters: {}", passage.filters.join(", "))),
    }
    let mut phase: Option<&NotePhase> = None;
    for note in &passage.notes {
        if phase != Some(&note.phase) {
            phase = Some(&note.phase);
            let _ = writeln!(text, "   {}", heading(&note.phase));
        }
        write_note(text, passage, note);
    }
    if !passage.signals.is_empty() {
        text.push_str("   found out in the end\n");
        for (name, value) in &passage.signals {
            let _ = writeln!(text, "     {name}: {value}");
        }
    }
}

fn write_note(text: &mut String, passage: &Passage, note: &Note) {
    let filter = note.filter.and_then(|filter| passage.filters.get(filter));
    let mut lines = lines(&note.what).into_iter();
    let Some(first) = lines.next() else { return };
    match filter {
        Some(filter) => drop(writeln!(text, "     {filter}: {first}")),
        None => drop(writeln!(text, "     {first}")),
    }
    for line in lines {
        let _ = writeln!(text, "       {line}");
    }
}

fn heading(phase: &NotePhase) -> String {
    match phase {
        NotePhase::Mail => "at MAIL".to_owned(),
        NotePhase::Rcpt(to) => format!("at RCPT TO:{}", path(to)),
        NotePhase::Header => "with the header of the message".to_owned(),
        NotePhase::End => "at the end of the message".to_owned(),
    }
}

/// The recipient whose part it is.
fn recipient(passage: &Passage) -> String {
    let found = passage.notes.iter().find_map(|note| match &note.phase {
        NotePhase::Rcpt(to) => Some(path(to)),
        _ => None,
    });
    found.unwrap_or_else(|| "one recipient".to_owned())
}

fn path(text: &str) -> String {
    format!("<{text}>")
}
