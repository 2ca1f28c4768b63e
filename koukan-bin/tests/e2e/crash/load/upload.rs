//! REST clients that upload messages in ranges, and continue at the right place after each
//! interruption.

use std::io;

use crate::{
    choices::Choices,
    crash::{book::Standing, plan::Letter},
    http::Request,
};

use super::{
    Client,
    create::{create, refused},
};

pub(super) fn run(client: &Client) {
    for (number, letter) in (0_u32..).zip(client.letters()) {
        let answer = create(client, &letter, None);
        let Some(location) = answer.location().filter(|_| answer.status == 201) else {
            refused(client, &letter, &answer);
            continue;
        };
        let words = format!("created {location}");
        client.book.told(&letter.to[0], Standing::Created, &words);
        let choices = Choices::new(client.seed, client.name, number);
        let mut upload = Upload {
            client,
            letter: &letter,
            location,
            message: letter.message().into_bytes(),
            choices,
        };
        let (standing, words) = match upload.send_all() {
            Ok(words) => (Standing::Acknowledged, words),
            Err(words) => (Standing::Refused, words),
        };
        client.book.told(&letter.to[0], standing, &words);
    }
}

struct Upload<'a> {
    client: &'a Client,
    letter: &'a Letter,
    location: &'a str,
    message: Vec<u8>,
    choices: Choices,
}

/// How far an upload has got.
enum Place {
    At(usize),
    /// It is complete, or its message is refused and the rest is not wanted.
    Over,
    Unknown,
}

impl Upload<'_> {
    /// Sends the message; returns what the client was told at the end. An error is something that
    /// must not happen.
    fn send_all(&mut self) -> Result<String, String> {
        let mut at = 0;
        while at < self.message.len() {
            match self.send_range(at)? {
                Some(end) => at = end,
                None => {
                    self.client.book.count(|counts| counts.interrupted += 1);
                    at = match self.find_place()? {
                        Some(at) => at,
                        None => return Ok("it is over, its view says".to_owned()),
                    };
                    self.client.book.count(|counts| counts.resumed += 1);
                }
            }
        }
        Ok("200 at the end of the upload".to_owned())
    }

    /// Sends the next range; returns where the following one begins, or `None` if the connection
    /// broke off.
    fn send_range(&mut self, at: usize) -> Result<Option<usize>, String> {
        let len = self.message.len();
        let end = len.min(at + self.choices.between(30_000, 120_000));
        let total = match end == len {
            true => len.to_string(),
            false => "*".to_owned(),
        };
        let range = format!("bytes {at}-{}/{total}", end - 1);
        let mut request = Request::new("PUT", &format!("{}/body", self.location))
            .header("Content-Range", &range)
            .content(&self.message[at..end]);
        if self.choices.one_in(10) {
            request = request.broken_off_after((end - at) / 2);
        }
        match request.send(self.client.rest) {
            Ok(answer) => match answer.status {
                200 => Ok(Some(end)),
                503 => Ok(None),
                // The agent was killed before this range, or the message was refused during the
                // upload.
                409 | 416 => Ok(None),
                status => Err(format!("{range}: {status} {}", answer.content())),
            },
            Err(error) => {
                let words = format!("{range} breaks off: {error}");
                self.client.book.note(&self.letter.to[0], words);
                Ok(None)
            }
        }
    }

    /// Asks how much has arrived, until there is an answer; `None` if the upload is over.
    fn find_place(&self) -> Result<Option<usize>, String> {
        loop {
            match self.place() {
                Ok(Place::At(at)) => return Ok(Some(at)),
                Ok(Place::Over) => return Ok(None),
                Ok(Place::Unknown) => {}
                Err(words) => return Err(words),
            }
            self.client.pause();
        }
    }

    fn place(&self) -> Result<Place, String> {
        let ask = |request: &Request| -> io::Result<_> { request.send(self.client.rest) };
        let Ok(answer) = ask(&Request::get(self.location)) else {
            return Ok(Place::Unknown);
        };
        match answer.status {
            200 => {
                let view = answer.json();
                let is_complete = view["body"]["blob_status"]["finalized"] == true;
                if is_complete || view.get("final_attempt_reason").is_some() {
                    return Ok(Place::Over);
                }
            }
            503 => return Ok(Place::Unknown),
            status => return Err(format!("the upload is gone: {status} {}", answer.content())),
        }
        let len = self.message.len();
        let beyond = Request::new("PUT", &format!("{}/body", self.location))
            .header("Content-Range", &format!("bytes {len}-{len}/*"))
            .content(b"x");
        let Ok(answer) = ask(&beyond) else {
            return Ok(Place::Unknown);
        };
        let range = answer.header("content-range").unwrap_or_default();
        let at = range.strip_prefix("bytes */").map(str::parse);
        match (answer.status, at) {
            (416, Some(Ok(at))) if at < len => Ok(Place::At(at)),
            // It has finished just now, so the view will say.
            (409 | 416 | 503, _) => Ok(Place::Unknown),
            (status, _) => Err(format!("asked how much is there: {status} {range}")),
        }
    }
}
