//! A client that sends messages by SMTP.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::DuplexStream,
    time::{sleep, timeout},
};

use super::lines::Lines;
use crate::{
    plan::{ClientPlan, Letter, ListenerKind, Point, Quirk, To},
    world::World,
};

/// How long a client waits for a reply.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Connects a client to the agent.
pub(crate) type Dial = Box<dyn Fn() -> DuplexStream + Send + Sync>;

/// A client with several messages.
pub(crate) struct SmtpClient {
    pub(crate) plan: ClientPlan,
    pub(crate) world: Arc<World>,
    pub(crate) dial: Dial,
}

/// Why the client stops.
#[derive(Debug)]
enum Stop {
    /// The plan says so.
    Vanished,
    /// The connection broke, or the server became silent.
    Broken,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl SmtpClient {
    pub(crate) async fn run(self) {
        self.connect(self.plan.quirk).await;
        self.come_again().await;
    }

    /// Sends the messages that were not accepted, on another connection.
    pub(crate) async fn come_again(self) {
        let Some(pause) = self.plan.again else { return };
        sleep(pause).await;
        let mut letters = self.plan.letters.iter();
        if letters.any(|letter| !self.open(letter).is_empty()) {
            self.connect(Quirk::None).await;
        }
    }

    async fn connect(&self, quirk: Quirk) {
        let mut lines = Lines::new((self.dial)());
        if let Err(stop) = self.converse(&mut lines, quirk).await {
            self.tell(|| match stop {
                Stop::Vanished => "is gone".to_owned(),
                Stop::Broken => "loses the connection".to_owned(),
            });
        }
    }

    async fn converse(&self, lines: &mut Lines, quirk: Quirk) -> Result<(), Stop> {
        if self.reply(lines).await? != 220 {
            return Ok(());
        }
        self.command(lines, "EHLO client.test").await?;
        let last = self.plan.letters.len() - 1;
        for (index, letter) in self.plan.letters.iter().enumerate() {
            let quirk = if index == last { quirk } else { Quirk::None };
            let to = self.open(letter);
            if !to.is_empty() {
                self.send(lines, letter, &to, quirk).await?;
            }
        }
        self.command(lines, "QUIT").await?;
        if let Some(line) = lines.line().await? {
            self.too_much(&line);
        }
        Ok(())
    }

    async fn send(
        &self,
        lines: &mut Lines,
        letter: &Letter,
        to: &[To],
        quirk: Quirk,
    ) -> Result<(), Stop> {
        self.world.account(letter, |account| {
            account.is_slow |= matches!(quirk, Quirk::Stalls(..));
        });
        if quirk == Quirk::Resets {
            self.envelope_in_turn(lines, letter, to, Quirk::None)
                .await?;
            self.command(lines, "RSET").await?;
        }
        if self.plan.pipelined {
            self.envelope_at_once(lines, letter, to, quirk).await?;
        } else {
            self.envelope_in_turn(lines, letter, to, quirk).await?;
            self.write(lines, "DATA\r\n").await?;
        }
        let code = self.reply(lines).await?;
        if code != 354 {
            let now = self.world.elapsed();
            self.world
                .account(letter, |account| account.answered(to, code.max(400), now));
            // The server still waits for recipients.
            self.command(lines, "RSET").await?;
            return Ok(());
        }
        self.message(lines, letter, to, quirk).await
    }

    async fn envelope_in_turn(
        &self,
        lines: &mut Lines,
        letter: &Letter,
        recipients: &[To],
        quirk: Quirk,
    ) -> Result<(), Stop> {
        let mail = self.command(lines, &mail(letter)).await?;
        self.quirk(quirk, Point::Mail).await?;
        for (address, to) in letter.named(recipients) {
            let command = format!("RCPT TO:<{address}>");
            let code = self.command(lines, &command).await?;
            self.told(letter, &to, mail, code);
        }
        self.quirk(quirk, Point::Rcpt).await
    }

    async fn envelope_at_once(
        &self,
        lines: &mut Lines,
        letter: &Letter,
        recipients: &[To],
        quirk: Quirk,
    ) -> Result<(), Stop> {
        let mut commands = format!("{}\r\n", mail(letter));
        let named = letter.named(recipients);
        for (address, _) in &named {
            commands += &format!("RCPT TO:<{address}>\r\n");
        }
        commands += "DATA\r\n";
        self.tell(|| format!("sends {commands:?}"));
        self.write(lines, &commands).await?;
        self.quirk(quirk, Point::Mail).await?;
        let mail = self.reply(lines).await?;
        for (_, to) in &named {
            let code = self.reply(lines).await?;
            self.told(letter, to, mail, code);
        }
        self.quirk(quirk, Point::Rcpt).await
    }

    /// Records the reply to a RCPT for those it stands for. Where MAIL was refused, that reply counts.
    fn told(&self, letter: &Letter, to: &[To], mail: u16, code: u16) {
        let now = self.world.elapsed();
        let code = if mail < 400 { code } else { mail };
        self.world.account(letter, |account| {
            for to in to {
                account.told(*to, code, now);
            }
        });
    }

    async fn message(
        &self,
        lines: &mut Lines,
        letter: &Letter,
        to: &[To],
        quirk: Quirk,
    ) -> Result<(), Stop> {
        let content = letter.content();
        let middle = content.len() / 2;
        lines.write(&content[..middle]).await?;
        self.quirk(quirk, Point::Message).await?;
        lines.write(&content[middle..]).await?;
        self.world
            .account(letter, |account| account.unanswered += 1);
        lines.write(b".\r\n").await?;
        let sent = self.world.elapsed();
        self.tell(|| format!("has sent message {}", letter.number));
        if quirk == Quirk::HalfCloses {
            lines.shutdown().await?;
        }
        self.quirk(quirk, Point::End).await?;
        let code = self.reply(lines).await?;
        let now = self.world.elapsed();
        self.world.account(letter, |account| {
            account.unanswered -= 1;
            account.waits.push(now.saturating_sub(sent));
            account.turned_away += u32::from(code >= 400);
            account.answered(to, code, now);
        });
        if quirk == Quirk::HalfCloses {
            return Err(Stop::Vanished);
        }
        Ok(())
    }

    async fn quirk(&self, quirk: Quirk, here: Point) -> Result<(), Stop> {
        match quirk {
            Quirk::Vanishes(point) if point == here => Err(Stop::Vanished),
            Quirk::Stalls(point, time) if point == here => {
                sleep(time).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn command(&self, lines: &mut Lines, command: &str) -> Result<u16, Stop> {
        self.tell(|| format!("sends {command:?}"));
        self.write(lines, &format!("{command}\r\n")).await?;
        self.reply(lines).await
    }

    /// Writes commands. Every earlier command has been answered.
    async fn write(&self, lines: &mut Lines, commands: &str) -> io::Result<()> {
        if let Some(line) = lines.waiting() {
            self.too_much(&line);
        }
        lines.write(commands.as_bytes()).await
    }

    /// The code of the next reply.
    async fn reply(&self, lines: &mut Lines) -> Result<u16, Stop> {
        loop {
            let Ok(line) = timeout(PATIENCE, lines.line()).await else {
                self.world
                    .violation("a client waits for a reply in vain".to_owned());
                return Err(Stop::Broken);
            };
            let line = line?.ok_or(Stop::Broken)?;
            self.tell(|| format!("hears {line:?}"));
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok());
                let code = code.ok_or(Stop::Broken)?;
                self.check_goodbye(code);
                return Ok(code);
            }
        }
    }

    /// Only a silent client may be told to go.
    fn check_goodbye(&self, code: u16) {
        let is_silent = matches!(self.plan.quirk, Quirk::Stalls(..));
        if code == 421 && !is_silent && self.world.plan.is_never_stopped() {
            let what = "a client that answers at once is told that the connection is closed";
            self.world.violation(what.to_owned());
        }
    }

    /// Records a reply without a command.
    fn too_much(&self, line: &str) {
        self.tell(|| format!("hears {line:?}"));
        if !line.starts_with("421") {
            self.world
                .violation(format!("a client hears {line:?} without having asked"));
        }
    }

    fn open(&self, letter: &Letter) -> Vec<To> {
        self.world.account(letter, |account| account.open())
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        let who = || {
            let numbers = self.plan.letters.iter().map(|letter| letter.number);
            let first = numbers.clone().next().unwrap_or_default();
            let kind = match self.plan.listener {
                ListenerKind::Ingress => "server",
                ListenerKind::Submission => "user",
                ListenerKind::Gateway => "gateway's client",
            };
            format!("{kind} of {first}")
        };
        self.world.tell_by(who, what);
    }
}

fn mail(letter: &Letter) -> String {
    format!("MAIL FROM:<s{}@clients.test>", letter.number)
}
