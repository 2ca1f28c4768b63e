//! A REST client that sends whole transactions, as simple as the SMTP client.

use memchr::memmem::find;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Failed,
    message::{LINE, Shape, Template, recipient},
};

use super::Load;

/// A client and its connection.
pub(super) struct Rest {
    load: Load,
    stream: Option<TcpStream>,
    input: Vec<u8>,
    request: Template,
}

impl Rest {
    pub(super) fn new(load: &Load) -> Self {
        Self {
            load: load.clone(),
            stream: None,
            input: Vec::with_capacity(4096),
            request: request(load),
        }
    }

    /// Sends a message; returns whether it was accepted, and delivered if that was waited for.
    pub(super) async fn send(&mut self, number: u64) -> Result<bool, Failed> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.load.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(self.request.fill(number)).await?;
        self.input.clear();
        let (status, content) = loop {
            if let Some((status, from)) = answer(&self.input)? {
                break (status, &self.input[from..]);
            }
            if stream.read_buf(&mut self.input).await? == 0 {
                return Err("the server closed the connection".into());
            }
        };
        self.stream = Some(stream);
        if status != 201 || self.load.wait.is_none() {
            return Ok(status == 201);
        }
        let view: Value = serde_json::from_slice(content)?;
        let code = view["data_response"]["code"].as_u64();
        Ok(code.is_some_and(|code| code / 100 == 2))
    }

    /// Closes the connection if each message is to have its own.
    pub(super) fn rest(&mut self) {
        if self.load.new_connections {
            self.stream = None;
        }
    }
}

/// A POST of a whole message.
fn request(load: &Load) -> Template {
    let content = content(load.shape(), load.recipients);
    let wait = load.wait.map(|wait| format!("Prefer: wait={wait}\r\n"));
    let head = format!(
        "POST /senders/{}/transactions HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n",
        load.sender,
        load.address,
        wait.unwrap_or_default(),
        Template::new(content.as_bytes()).len(),
    );
    Template::new((head + &content).as_bytes())
}

/// The JSON of a whole transaction.
fn content(shape: Shape, recipients: u64) -> String {
    let recipients: Vec<_> = (0..recipients)
        .map(|index| format!(r#"{{"m":"{}"}}"#, recipient(index)))
        .collect();
    let message = shape.head + &String::from_utf8_lossy(LINE).repeat(shape.body / LINE.len());
    format!(
        r#"{{"mail_from":{{"m":"load@example.org"}},"rcpt_to":[{}],"body":{{"inline":"{}"}}}}"#,
        recipients.join(","),
        message.replace("\r\n", r"\r\n"),
    )
}

/// The status of an answer and where its content starts, once the whole answer has arrived.
fn answer(input: &[u8]) -> Result<Option<(u16, usize)>, Failed> {
    let Some(end) = find(input, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&input[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.ok_or("no status")?.parse()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or("an answer without a length")??;
    let from = end + 4;
    Ok((input.len() >= from + length).then_some((status, from)))
}

#[cfg(test)]
mod tests {
    use memchr::memmem::find;
    use serde_json::Value;

    use super::{Shape, answer, content};

    #[test]
    fn the_content_is_a_transaction() {
        let content = crate::message::Template::new(content(Shape::new(300), 2).as_bytes())
            .fill(7)
            .to_vec();
        let asked: Value = serde_json::from_slice(&content).unwrap();
        assert_eq!(asked["rcpt_to"][1]["m"], "m0000000007-1@example.com");
        let message = asked["body"]["inline"].as_str().unwrap();
        assert!(
            message.starts_with("X-Load-Id: 0000000007\r\n"),
            "{message}"
        );
        assert!(
            find(message.as_bytes(), b"\r\n\r\n0123").is_some(),
            "{message}"
        );
    }

    #[test]
    fn an_answer_is_there_when_its_content_is() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX: y\r\n\r\n{}";
        for end in 0..whole.len() {
            assert_eq!(answer(&whole[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(answer(whole).unwrap(), Some((201, whole.len() - 2)));
    }
}
