//! How a step of a server goes wrong.

use std::{io, time::Duration};

use super::{Connection, Destination, message};

/// The longest that something takes that is late.
const LATE: Duration = Duration::from_secs(15 * 60);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// 451 in the place of the reply.
    Transient,
    /// 554 in its place.
    Permanent,
    /// 421, and the connection is closed.
    Closing,
    /// Something that is no reply, or one to something else.
    Odd,
    /// The reply is given twice.
    Twice,
    /// Half of the reply, and the connection is closed.
    Half,
    /// The reply, and the connection is closed.
    Leaves,
    /// The connection is closed.
    Closed,
    /// Nothing, for good.
    Silent,
    /// The reply, after some time.
    Late,
}

impl Mishap {
    /// Whether the reply that is due is given all the same.
    pub(crate) fn accepts(self) -> bool {
        matches!(self, Self::Twice | Self::Half | Self::Leaves | Self::Late)
    }
}

/// What may go wrong, some of it more often.
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

/// A reply, though none to what was asked.
const UNEXPECTED: &str = "354 go on";

/// What nobody says at that place. None of it promises anything.
const ODD: [&str; 6] = [
    "2x0 what",
    UNEXPECTED,
    "",
    "220-here, and more to come",
    "999 no such thing",
    "hello",
];

impl Destination {
    /// Whether something goes wrong now, and what.
    pub(crate) fn mishap(&self) -> Option<Mishap> {
        let per_mille = self.flakiness()?;
        let happens = !self.world.is_healed() && self.random.happens(per_mille);
        happens.then(|| *self.random.pick(&ALL))
    }

    /// Does something else than to say `reply`, or more than that; tells whether to go on.
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
                    // One reply too few and one too many: those between count for others.
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
