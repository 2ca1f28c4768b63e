//! The dialogue on a connection, kept for later questions about a failure.

use std::fmt::Write;

use koukan_core::reply::{Dialogue, DialogueLines, Recording, Speaker};
use tokio::time::Instant;

/// The most octets that are kept.
const OCTETS_MAX: usize = 8 * 1024;
/// How many of these are kept from the beginning.
const HEAD: usize = 2 * 1024;
/// The most octets of one piece that are kept.
const PIECE_MAX: usize = 1024;
/// The most pieces that are kept, and how many of them from the beginning.
const PIECES_MAX: usize = 256;
const HEAD_PIECES: usize = PIECES_MAX / 4;
/// After this many refusals in a transaction, the dialogue is only attached at the end of the
/// transaction, and not to each further refusal.
const TOLD_MAX: u32 = 8;

/// The beginning and the latest part of the dialogue.
///
/// Most of it is never asked for, so noting costs only a copy: the time is noted when it is read
/// for another reason.
#[derive(Debug, Default)]
pub(super) struct Log {
    text: Vec<u8>,
    pieces: Vec<Piece>,
    /// Whether the last piece may continue, because its last line has not ended.
    is_open: bool,
    left_out: usize,
    /// How many of the last pieces have no time yet.
    untimed: usize,
    is_hidden: bool,
    /// The recording that is attached to refusals of this transaction, if there was one.
    recording: Option<Recording>,
    told: u32,
}

#[derive(Debug)]
struct Piece {
    by: Speaker,
    /// The end of the piece in the text.
    end: usize,
    at: Option<Instant>,
}

impl Log {
    /// Notes what one side sends.
    pub(super) fn note(&mut self, by: Speaker, octets: &[u8]) {
        if self.is_hidden || octets.is_empty() {
            return;
        }
        let most = octets.len().min(PIECE_MAX);
        if self.text.len() + most > OCTETS_MAX || self.pieces.len() >= PIECES_MAX {
            self.make_room(most);
        }
        let from = self.start_of_last();
        let is_more = self.is_open && self.pieces.last().is_some_and(|last| last.by == by);
        let known = if is_more { self.text.len() - from } else { 0 };
        let kept = most.min(PIECE_MAX - known);
        self.text.extend_from_slice(&octets[..kept]);
        self.left_out += octets.len() - kept;
        self.is_open = by != Speaker::Nobody && octets.last() != Some(&b'\n');
        let end = self.text.len();
        match self.pieces.last_mut() {
            Some(last) if is_more => last.end = end,
            _ => {
                self.pieces.push(Piece { by, end, at: None });
                self.untimed += 1;
            }
        }
    }

    /// Where the last piece begins in the text.
    fn start_of_last(&self) -> usize {
        let before = self.pieces.len().checked_sub(2);
        before.map_or(0, |index| self.pieces[index].end)
    }

    /// Drops octets after the beginning, until there is room for another piece with that many octets.
    #[cold]
    fn make_room(&mut self, octets: usize) {
        let first = self.pieces.partition_point(|piece| piece.end <= HEAD);
        let first = first.min(HEAD_PIECES);
        let from = first.checked_sub(1).map_or(0, |last| self.pieces[last].end);
        while self.text.len() + octets > OCTETS_MAX || self.pieces.len() >= PIECES_MAX {
            let after = first + (self.pieces.len() - first).div_ceil(2);
            let until = self.pieces[after - 1].end;
            self.text.drain(from..until);
            self.pieces.drain(first..after);
            self.left_out += until - from;
            for piece in &mut self.pieces[first..] {
                piece.end -= until - from;
            }
        }
        self.untimed = self.untimed.min(self.pieces.len());
    }

    /// Whether a piece has no time yet.
    pub(super) fn is_untimed(&self) -> bool {
        self.untimed > 0
    }

    /// Gives that time to all pieces without one.
    pub(super) fn time(&mut self, now: Instant) {
        let pieces = self.pieces.iter_mut().rev().take(self.untimed);
        pieces.for_each(|piece| {
            piece.at.get_or_insert(now);
        });
        self.untimed = 0;
    }

    /// Stops noting, or starts again: secrets are not noted.
    pub(super) fn hide(&mut self, is_hidden: bool) {
        self.is_hidden = is_hidden;
        self.is_open = false;
    }

    /// A transaction begins on the connection.
    pub(super) fn begin(&mut self, is_first: bool) {
        self.told = 0;
        self.recording = None;
        if !is_first {
            self.text.clear();
            self.pieces.clear();
            self.is_open = false;
            self.untimed = 0;
            self.left_out = 0;
        }
    }

    /// The recording to attach to a refusal or failure: the dialogue so far, and at the end of the
    /// transaction all of it.
    #[cold]
    pub(super) fn recording(&mut self) -> Recording {
        let recording = self.recording.get_or_insert_default().clone();
        if self.told < TOLD_MAX {
            self.told += 1;
            recording.tell(self.dialogue());
        }
        recording
    }

    /// The transaction has ended.
    pub(super) fn end(&mut self) {
        if let Some(recording) = self.recording.take() {
            recording.tell(self.dialogue());
        }
    }

    /// The dialogue that was kept.
    fn dialogue(&mut self) -> Dialogue {
        let now = Instant::now();
        self.time(now);
        let mut from = 0;
        let said = self.pieces.iter().map(|piece| {
            let octets = &self.text[from..piece.end];
            from = piece.end;
            DialogueLines {
                at: piece.at.unwrap_or(now),
                by: piece.by,
                text: escaped(octets).into(),
            }
        });
        Dialogue {
            said: said.collect(),
            left_out: self.left_out,
        }
    }
}

/// Lines as text for people, without the last line end. No character in it moves a cursor or
/// reverses the direction of writing.
fn escaped(octets: &[u8]) -> String {
    let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
    let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
    let mut text = String::with_capacity(octets.len());
    // Writing to a string cannot fail.
    for chunk in octets.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(char) = chars.next() {
            let _ = match char {
                '\r' if chars.peek() == Some(&'\n') => Ok(()),
                '\n' => text.write_char('\n'),
                '\0'..='\x1f' | '\x7f' => write!(text, "\\x{:02x}", u32::from(char)),
                char if is_unsafe(char) => write!(text, "{}", char.escape_unicode()),
                char => text.write_char(char),
            };
        }
        for octet in chunk.invalid() {
            let _ = write!(text, "\\x{octet:02x}");
        }
    }
    text
}

/// Control characters beyond ASCII, and characters that end lines or reverse the direction of writing.
fn is_unsafe(char: char) -> bool {
    let turns = '\u{202a}'..='\u{202e}';
    let isolates = '\u{2066}'..='\u{2069}';
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        )
        || turns.contains(&char)
        || isolates.contains(&char)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn texts(log: &mut Log) -> Vec<String> {
        let said = log.dialogue().said.into_iter();
        said.map(|said| said.text.into()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_beginning_and_the_end_stay() {
        let mut log = Log::default();
        log.note(Speaker::Server, b"220 hi\r\n");
        let line = |number| format!("RCPT TO:<u{number}@mx.example>\r\n");
        for number in 0..1000 {
            log.note(Speaker::Client, line(number).as_bytes());
            assert!(log.text.len() <= OCTETS_MAX && log.pieces.len() <= PIECES_MAX);
        }
        let dialogue = log.dialogue();
        let length: usize = dialogue.said.iter().map(|said| said.text.len() + 2).sum();
        let all: usize = (0..1000).map(|number| line(number).len()).sum();
        assert_eq!(length + dialogue.left_out, all + "220 hi\r\n".len());
        assert!(length > OCTETS_MAX / 3);
        let texts = texts(&mut log);
        assert_eq!(texts[..2], ["220 hi", "RCPT TO:<u0@mx.example>"]);
        assert_eq!(texts.last().unwrap(), "RCPT TO:<u999@mx.example>");
    }

    #[tokio::test(start_paused = true)]
    async fn endless_lines_and_single_octets_have_their_bounds() {
        let mut log = Log::default();
        for _ in 0..20 {
            log.note(Speaker::Server, &[b'x'; 100_000]);
            log.note(Speaker::Client, b"NOOP\r\n");
        }
        let dialogue = log.dialogue();
        assert!(dialogue.len() <= OCTETS_MAX);
        assert_eq!(dialogue.said[0].text.len(), PIECE_MAX);
        let mut log = Log::default();
        for _ in 0..100_000 {
            log.note(Speaker::Server, b"\n");
        }
        assert!(log.pieces.len() <= PIECES_MAX);
        let mut log = Log::default();
        for octet in b"250 one octet\r\n250 after the other\r\n" {
            log.note(Speaker::Server, &[*octet]);
        }
        assert_eq!(texts(&mut log), ["250 one octet", "250 after the other"]);
        log.begin(false);
        for _ in 0..100_000 {
            log.note(Speaker::Server, b"y");
        }
        let dialogue = log.dialogue();
        assert_eq!((dialogue.said.len(), dialogue.len()), (1, PIECE_MAX));
        assert_eq!(dialogue.left_out, 100_000 - PIECE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn secrets_are_left_out() {
        let mut log = Log::default();
        log.hide(true);
        log.note(Speaker::Client, b"AGFsaWNlAHNlY3JldA==\r\n");
        log.hide(false);
        log.note(Speaker::Server, b"235 welcome\r\n");
        assert_eq!(texts(&mut log), ["235 welcome"]);
    }

    #[test]
    fn odd_octets_are_escaped() {
        for (octets, text) in [
            (&b"250 ok\r\n"[..], "250 ok"),
            (b"250-a\r\n250 b\r\n", "250-a\n250 b"),
            (b"250 \x1b[31m\0\x7f\rx\n", "250 \\x1b[31m\\x00\\x7f\\x0dx"),
            (b"250 \xff\xfe\xc3\xa4", "250 \\xff\\xfe\u{e4}"),
            ("250 \u{85}\u{202e}".as_bytes(), "250 \\u{85}\\u{202e}"),
            ("250 \u{61c}\u{2069}".as_bytes(), "250 \\u{61c}\\u{2069}"),
        ] {
            assert_eq!(escaped(octets), text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_has_its_time() {
        let mut log = Log::default();
        let start = Instant::now();
        log.note(Speaker::Client, b"MAIL\r\n");
        log.time(start);
        advance(Duration::from_secs(3)).await;
        log.note(Speaker::Server, b"250 ok\r\n");
        let dialogue = log.dialogue();
        let times: Vec<_> = dialogue.said.iter().map(|said| said.at - start).collect();
        assert_eq!(times, [Duration::ZERO, Duration::from_secs(3)]);
        log.begin(true);
        assert_eq!(texts(&mut log).len(), 2);
        log.begin(false);
        assert!(texts(&mut log).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_recording_is_there_with_the_refusal_and_whole_at_the_end() {
        let mut log = Log::default();
        let said = |recording: &Recording| recording.dialogue().unwrap().said.len();
        log.note(Speaker::Server, b"550 no\r\n");
        let recording = log.recording();
        assert_eq!(said(&recording), 1);
        for number in 2..100 {
            log.note(Speaker::Server, b"550 no\r\n");
            log.recording();
            assert_eq!(said(&recording), number.min(TOLD_MAX as usize));
        }
        log.end();
        assert_eq!(said(&recording), 99);
        log.begin(false);
        log.note(Speaker::Server, b"250 ok\r\n");
        log.end();
        assert_eq!(said(&recording), 99);
    }
}
