//! A plan in words.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::{
    ClientPlan, DestinationPlan, Doing, End, EndKind, Letter, ListenerKind, MessagePlan, Mood,
    OperatorPlan, Order, Plan, Quirk, RestPlan, Step, Upload,
};
use crate::world::Time;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, destination) in self.destinations.iter().enumerate() {
            writeln!(f, "  d{number}.test {destination}")?;
        }
        writeln!(f, "  destinations are well from {} on", Time(self.healed))?;
        writeln!(
            f,
            "  storage takes up to {:?} for half a call",
            self.faults.latency / 2
        )?;
        for trouble in &self.faults.trouble {
            let (start, end) = (Time(trouble.during.start), Time(trouble.during.end));
            let (kind, often) = (trouble.kind, trouble.per_mille);
            writeln!(
                f,
                "  storage from {start} to {end}: {kind:?}, {often} times in 1000"
            )?;
        }
        for (number, replica) in self.replicas.iter().enumerate() {
            let ahead = replica.ahead;
            write!(f, "  process {number}, its clock {ahead:?} ahead,")?;
            for cut in &replica.cuts {
                write!(f, " cut off from {} to {};", Time(cut.start), Time(cut.end))?;
            }
            writeln!(f)?;
        }
        for End { at, kind } in &self.ends {
            let how = match kind {
                EndKind::Killed => "killed",
                EndKind::Stopped => "stopped in good order",
            };
            writeln!(
                f,
                "  the agent is {how} at {}, and started again",
                Time(*at)
            )?;
        }
        writeln!(
            f,
            "  {} queued transactions are attempted at a time",
            self.max_in_flight
        )?;
        if self.subscribes {
            writeln!(f, "  somebody reads events")?;
        }
        if self.suppresses {
            writeln!(f, "  bad addresses are suppressed")?;
        }
        if self.archives {
            writeln!(f, "  an archive gets copies")?;
        }
        if self.divides {
            writeln!(f, "  queued mail passes an exploder")?;
        }
        for (number, Step { at, doing }) in self.steps.iter().enumerate() {
            write!(f, "  step {} at {}: ", number + 1, Time(*at))?;
            match doing {
                Doing::Smtp(client) => writeln!(f, "{client}")?,
                Doing::Rest(client) => writeln!(f, "{client}")?,
                Doing::Message(client) => writeln!(f, "{client}")?,
                Doing::Operator(operator) => writeln!(f, "{operator}")?,
            }
        }
        Ok(())
    }
}

impl Display for DestinationPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.mood {
            Mood::Healthy => f.write_str("is well")?,
            Mood::Refusing => f.write_str("refuses connections")?,
            Mood::Hanging => f.write_str("accepts connections, if it does, and says nothing")?,
            Mood::Busy => f.write_str("greets with 421")?,
            Mood::Flaky(often) => write!(f, "does something wrong {often} times in 1000")?,
        }
        let keywords = match (self.pipelining, self.chunking) {
            (true, true) => " (PIPELINING, CHUNKING)",
            (true, false) => " (PIPELINING)",
            (false, true) => " (CHUNKING)",
            (false, false) => "",
        };
        write!(
            f,
            "{keywords}, and takes up to {:?} for a reply",
            self.latency
        )
    }
}

impl Display for ClientPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.listener {
            ListenerKind::Ingress => "a server sends",
            ListenerKind::Submission => "a user sends",
            ListenerKind::Gateway => "through a gateway, somebody sends",
        })?;
        if self.pipelined {
            f.write_str(" pipelined")?;
        }
        for letter in &self.letters {
            write!(f, " {letter};")?;
        }
        match self.quirk {
            Quirk::None => {}
            Quirk::Vanishes(point) => write!(f, " vanishes at {point:?};")?,
            Quirk::Stalls(point, time) => write!(f, " stalls at {point:?} for {time:?};")?,
            Quirk::HalfCloses => f.write_str(" half-closes after the last;")?,
            Quirk::Resets => f.write_str(" says RSET and begins the last again;")?,
        }
        after(f, "comes again", self.again)
    }
}

impl Display for RestPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "an application sends {}", self.letter)?;
        match self.upload {
            Upload::Inline => f.write_str(" with the create;")?,
            Upload::Pieces(pieces, pause) => {
                write!(f, " in {pieces} pieces, {pause:?} before each;")?;
            }
            Upload::Broken => f.write_str(" without its end;")?,
        }
        if let Some(wait) = self.wait {
            write!(f, " waits {wait:?} for the end;")?;
        }
        if let Some(wait) = self.watched {
            write!(f, " asks what has become of it, {wait:?} a time;")?;
        }
        if self.lists {
            f.write_str(" lists the queue;")?;
        }
        after(f, "cancels", self.cancelled)?;
        after(f, "creates it again", self.repeated)?;
        if let Some(at) = self.send_at {
            write!(f, " asks for it to be sent at {};", Time(at))?;
        }
        after(f, "is gone", self.vanishes)
    }
}

impl Display for MessagePlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an application sends by one request each")?;
        for letter in &self.letters {
            write!(f, " {letter};")?;
        }
        if let Some(wait) = self.wait {
            write!(f, " waits {wait:?} for the end;")?;
        }
        after(f, "makes each again", self.repeated)?;
        after(f, "cancels", self.cancelled)
    }
}

impl Display for OperatorPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = match self.order {
            Order::Retry => "has tried now",
            Order::Hold => "holds",
            Order::Suspend => "suspends",
            Order::Cancel => "cancels",
            Order::Bounce => "gives back",
        };
        write!(f, "operator {} {what}", self.number)?;
        match self.destination {
            Some(number) => write!(f, " what is queued for d{number}.test;")?,
            None => f.write_str(" all that is queued;")?,
        }
        let is_stop = matches!(self.order, Order::Hold | Order::Suspend);
        after(f, "lets it go", Some(self.resumed).filter(|_| is_stop))
    }
}

impl Display for Letter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "message {} ({} octets) to", self.number, self.size)?;
        if self.is_list {
            write!(f, " a list of")?;
        }
        for to in &self.to {
            write!(f, " {}", to.address(self.number))?;
        }
        Ok(())
    }
}

fn after(f: &mut Formatter<'_>, what: &str, time: Option<Duration>) -> fmt::Result {
    match time {
        Some(time) => write!(f, " {what} after {time:?};"),
        None => Ok(()),
    }
}
