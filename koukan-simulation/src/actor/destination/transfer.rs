//! How a server receives a message.

use std::io;

use super::{Connection, Destination, message, mishap::Mishap};

const TAKEN: &str = "250 2.0.0 taken";

impl Destination {
    pub(crate) async fn data(&self, connection: &mut Connection) -> io::Result<bool> {
        if connection.message.recipients.is_empty() {
            return self.step(connection, "503 5.5.1 no valid recipients").await;
        }
        if let Some(mishap) = self.mishap() {
            // A client is not told to go on if it would then send something else than a message.
            return self.go_wrong(connection, mishap, "451 4.3.0 later").await;
        }
        self.say(connection, "354 go on").await?;
        let interrupted = self.mishap();
        let mut lines = 0;
        loop {
            let Some(line) = connection.lines.line().await? else {
                return Ok(false);
            };
            if line == "." {
                return self.take(connection).await;
            }
            lines += 1;
            if let Some(mishap) = interrupted
                && lines == 2
            {
                return self.interrupt(connection, mishap).await;
            }
            let line = line.strip_prefix('.').unwrap_or(&line);
            connection
                .message
                .content
                .extend_from_slice(line.as_bytes());
            connection.message.content.extend_from_slice(b"\r\n");
        }
    }

    /// Something goes wrong in the middle of a message, which is not accepted.
    async fn interrupt(&self, connection: &mut Connection, mishap: Mishap) -> io::Result<bool> {
        let what = || format!("does not take the message to its end: {mishap:?}");
        self.world.tell(&self.name, what);
        let goes_on = self
            .go_wrong(connection, mishap, "451 4.3.0 too early")
            .await?;
        if goes_on {
            // The rest is read, and gets no second reply.
            loop {
                match connection.lines.line().await? {
                    Some(line) if line != "." => {}
                    Some(_) => break,
                    None => return Ok(false),
                }
            }
        }
        connection.message = Default::default();
        Ok(goes_on)
    }

    pub(crate) async fn chunk(&self, connection: &mut Connection, line: &str) -> io::Result<bool> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let size = words.next().and_then(|size| size.parse().ok());
        let is_last = words.next().is_some();
        let octets = connection.lines.octets(size.unwrap_or_default()).await?;
        let Some(octets) = octets else {
            return Ok(false);
        };
        if connection.message.recipients.is_empty() {
            return self.step(connection, "503 5.5.1 no valid recipients").await;
        }
        connection.message.content.extend_from_slice(&octets);
        if is_last {
            self.take(connection).await
        } else {
            self.say(connection, "250 2.0.0 ok").await?;
            Ok(true)
        }
    }

    /// Answers a message that has arrived completely.
    async fn take(&self, connection: &mut Connection) -> io::Result<bool> {
        let mut message = std::mem::take(&mut connection.message);
        message.whole = Some(self.world.elapsed());
        if connection.is_confused {
            // One of the surplus replies stands in place of this one, for all recipients.
            for line in &connection.named {
                message::confused(&self.world, line);
            }
        }
        let mishap = self.mishap();
        if let Some(mishap) = mishap {
            let what = || format!("has the message, and something goes wrong: {mishap:?}");
            self.world.tell(&self.name, what);
        }
        match mishap {
            None | Some(Mishap::Leaves) => {
                self.pause().await;
                self.deliver(&message);
                let said = self.say_now(connection, TAKEN).await;
                if said.is_err() || connection.is_late || connection.is_unread {
                    // The sender does not hear that the message was accepted; or it sent everything
                    // at once and has stopped waiting; or it read a line before that was no reply.
                    self.unheard(&message);
                }
                if said.is_err() {
                    return Ok(false);
                }
                Ok(mishap.is_none())
            }
            Some(mishap @ (Mishap::Transient | Mishap::Permanent | Mishap::Closing)) => {
                self.go_wrong(connection, mishap, TAKEN).await
            }
            Some(Mishap::Late) => {
                self.late().await;
                self.deliver(&message);
                // Nobody can tell whether the reply is in time.
                self.unheard(&message);
                self.say(connection, TAKEN).await?;
                Ok(true)
            }
            Some(mishap) => {
                // Only a server that accepts the message begins to say so.
                if mishap.accepts() || self.random.happens(500) {
                    self.deliver(&message);
                    self.unheard(&message);
                }
                self.go_wrong(connection, mishap, TAKEN).await
            }
        }
    }
}
