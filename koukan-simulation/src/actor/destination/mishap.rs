//! How a step of a server goes wrong.

use std::{io, time::Duration};

use super::{Connection, Destination, message};

/// The longest delay of a late reply.
const LATE: Duration = Duration::from_secs(15 * 60);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// 451 instead of the reply.
    Transient,
    /// 554 instead of the reply.
    Permanent,
    /// 421, then the connection is closed.
    Closing,
    /// A line that is no reply, or a reply to something else.
    Odd,
    /// The reply is given twice.
    Twice,
    /// Half of the reply, then the connection is closed.
    Half,
    /// The reply, then the connection is closed.
    Leaves,
    /// The connection is closed without a reply.
    Closed,
    /// No reply ever.
    Silent,
    /// The reply, after some time.
    Late,
}

impl Mishap {
    /// Whether the reply that is due is still given.
    pub(crate) fn accepts(self) -> bool {
        matches!(self, Self::Twice | Self::Half | Self::Leaves | Self::Late)
    }
}

/// All mishaps; the more likely ones occur more than once.
pub(crate) const ALL: [Mishap; 12] = [
    Mishap::Transient,
    Mishap::Transient,
    Mishap::Permanent,
    Mishap::Closing,
    Mishap::Odd,
    Mishap::Twice,
    Mishap::Half,
    Mishap::Leaves,
    Mishap::Closed,
    Mishap::Silent,
    Mishap::Late,
    Mishap::Late,
];

/// A reply that does not fit the command.
const UNEXPECTED: &str = "354 go on";

/// Lines that nobody sends at this place. None of them promises anything.
const ODD: [&str; 6] = [
    "2x0 what",
    UNEXPECTED,
    "",
    "220-here, and more to come",
    "999 no such thing",
    "hello",
];

impl Destination {
    /// Draws whether something goes wrong now, and what.
    pub(crate) fn mishap(&self) -> Option<Mishap> {
        let per_mille = self.flakiness()?;
        let happens = !self.world.is_healed() && self.random.happens(per_mille);
        happens.then(|| *self.random.pick(&ALL))
    }

    /// Does what `mishap` says instead of sending `reply`, or in addition. Returns whether to go
    /// on.
    pub(crate) async fn go_wrong(
        &self,
        connection: &mut Connection,
        mishap: Mishap,
        reply: &str,
    ) -> io::Result<bool> {
        let goes_on = !matches!(mishap, Mishap::Closing | Mishap::Leaves);
        match mishap {
            Mishap::Transient => self.say(connection, "451 4.3.0 not now").await?,
            Mishap::Permanent => self.say(connection, "554 5.7.1 never").await?,
            Mishap::Closing => self.say(connection, "421 4.3.0 closing").await?,
            Mishap::Odd => {
                connection.is_odd = true;
                let odd = self.random.pick::<&str>(&ODD);
                connection.is_unread |= *odd != UNEXPECTED;
                self.say(connection, odd).await?;
            }
            Mishap::Twice => {
                connection.is_confused = true;
                if connection.is_odd {
                    // One reply too few and one too many: the replies between them count for other
                    // recipients.
                    for line in &connection.named {
                        message::confused(&self.world, line);
                    }
                }
                self.say(connection, &format!("{reply}\r\n{reply}")).await?;
            }
            Mishap::Half => {
                let half = &reply[..reply.len() / 2];
                self.world
                    .tell(&self.name, || format!("says {half:?} and closes"));
                connection.lines.write(half.as_bytes()).await?;
                return Ok(false);
            }
            Mishap::Leaves => self.say(connection, reply).await?,
            Mishap::Closed => {
                self.world.tell(&self.name, || "closes".into());
                return Ok(false);
            }
            Mishap::Silent => {
                self.world.tell(&self.name, || "falls silent".into());
                self.hang().await;
            }
            Mishap::Late => {
                connection.is_late = true;
                self.late().await;
                self.say(connection, reply).await?;
            }
        }
        Ok(goes_on)
    }

    pub(crate) async fn late(&self) {
        let time = self.random.duration(Duration::from_secs(1)..=LATE);
        self.wait(time).await;
    }
}
