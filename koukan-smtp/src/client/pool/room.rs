//! How many connections a host has room for: a pure calculation.

use std::time::Duration;

use tokio::time::Instant;

/// How long a host that has refused a connection is not asked for more: the first and the longest time.
const PATIENCE: [Duration; 2] = [Duration::from_secs(2 * 60), Duration::from_secs(32 * 60)];

/// How long it is remembered that a host has closed a connection because of what was sent.
const PICKY: Duration = Duration::from_secs(10 * 60);

/// How many connections to a host are allowed: as many as the settings say, until the host refuses
/// one while it serves others.
///
/// ```text
///            refused while so many are held            some minutes have passed
/// max ──────────────────────────────────────▶ lowered ──────────────────────────▶ one more
///  ▲                                             ▲ │                                 │
///  │                                             └─┼──── refused: wait twice as long ┘
///  └─── refuses one alone, and then serves one ────┘
/// ```
///
/// A host that closes a connection within a transaction may have no room, or may not like the sender. This shows
/// when the same transaction is tried on a connection that the host serves. If it is refused there too, the
/// host's room is restored, and for some minutes such a refusal has no effect.
///
/// Connections that are being opened count as held. When a host is down for a moment, it refuses them one after
/// the other, like a full host, until the last one finds that the host serves nobody.
#[derive(Debug)]
pub(super) struct Room {
    max: usize,
    /// How many are allowed now.
    cap: usize,
    /// When one more is tried, if the room was lowered.
    next: Instant,
    patience: Duration,
    /// Whether one more has been tried since it was lowered.
    is_trying: bool,
    /// Whether the host has refused a connection while it served none: it may have been down rather than full.
    is_doubtful: bool,
    /// Until when a connection that is closed within a transaction says nothing about the room.
    is_picky_until: Option<Instant>,
}

impl Room {
    pub(super) fn new(max: usize, now: Instant) -> Self {
        Self {
            max,
            cap: max,
            next: now,
            patience: PATIENCE[0],
            is_trying: false,
            is_doubtful: false,
            is_picky_until: None,
        }
    }

    pub(super) fn cap(&self) -> usize {
        self.cap
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Applies a new number from the settings; returns by how many the allowed connections have
    /// grown, or shrunk.
    pub(super) fn resize(&mut self, max: usize) -> (usize, usize) {
        let before = self.cap;
        self.cap = match self.is_lowered() {
            true => before.min(max),
            false => max,
        };
        self.max = max;
        self.is_doubtful &= self.is_lowered();
        (
            self.cap.saturating_sub(before),
            before.saturating_sub(self.cap),
        )
    }

    pub(super) fn is_lowered(&self) -> bool {
        self.cap < self.max
    }

    /// Whether nothing about it need be remembered.
    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        let is_over = |until| now >= until;
        let is_as_it_was = !self.is_lowered() || is_over(self.next + PATIENCE[1]);
        is_as_it_was && self.is_picky_until.is_none_or(is_over)
    }

    /// Whether the host has closed connections because of what was sent.
    pub(super) fn is_picky(&self, now: Instant) -> bool {
        self.is_picky_until.is_some_and(|until| now < until)
    }

    /// Undoes a lowering that was not for lack of room; returns by how many the allowed connections have grown.
    pub(super) fn raise(&mut self, by: usize) -> usize {
        let more = by.min(self.max - self.cap);
        self.cap += more;
        self.is_doubtful &= self.is_lowered();
        more
    }

    /// The host has closed a connection that it served, because of what was sent.
    pub(super) fn note_picky(&mut self, now: Instant) {
        self.is_picky_until = Some(now + PICKY);
    }

    /// Lowers the allowed connections.
    pub(super) fn lower(&mut self, by: usize, now: Instant) {
        let [shortest, longest] = PATIENCE;
        if self.is_trying {
            self.patience = longest.min(self.patience * 2);
        } else if !self.is_lowered() {
            self.patience = shortest;
        }
        self.is_trying = false;
        self.cap = self.cap.saturating_sub(by);
        self.next = now + self.patience;
    }

    /// The host has refused a connection while we had no other.
    pub(super) fn doubt(&mut self) {
        self.is_doubtful = self.is_lowered();
    }

    /// The host has served a connection. If it was down before, and not full, nothing is known
    /// about its room; returns by how many the allowed connections have grown.
    pub(super) fn serves(&mut self) -> usize {
        if !self.is_doubtful {
            return 0;
        }
        let more = self.max - self.cap;
        self.cap = self.max;
        self.is_trying = false;
        self.is_doubtful = false;
        more
    }

    /// Tries whether there is room for more; returns for how many.
    pub(super) fn recover(&mut self, now: Instant) -> usize {
        if !self.is_lowered() || now < self.next {
            return 0;
        }
        if self.is_trying {
            // The previous one was not refused.
            self.patience = PATIENCE[0];
        }
        self.is_trying = true;
        self.cap += 1;
        self.next = now + self.patience;
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_more_is_tried_after_some_minutes() {
        let start = Instant::now();
        let mut room = Room::new(100, start);
        assert_eq!(room.recover(start + 1000 * MINUTE), 0);
        room.lower(97, start);
        assert_eq!((room.cap(), room.recover(start + MINUTE)), (3, 0));
        assert_eq!(room.recover(start + 2 * MINUTE), 1);
        assert_eq!(room.recover(start + 3 * MINUTE), 0);
        assert_eq!(room.recover(start + 4 * MINUTE), 1);
        assert_eq!(room.cap(), 5);
    }

    #[tokio::test]
    async fn each_refusal_makes_the_next_try_later() {
        let start = Instant::now();
        let mut room = Room::new(100, start);
        room.lower(97, start);
        let (mut now, mut waits) = (start, Vec::new());
        for _ in 0..6 {
            let lowered = now;
            while room.recover(now) == 0 {
                now += MINUTE;
            }
            waits.push((now - lowered).as_secs() / 60);
            room.lower(1, now);
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 32]);
        assert!(!room.is_forgotten(now + 63 * MINUTE) && room.is_forgotten(now + 64 * MINUTE));
    }

    #[tokio::test]
    async fn a_host_that_was_down_has_all_its_room_when_it_serves_one() {
        let start = Instant::now();
        let mut room = Room::new(10, start);
        room.doubt();
        assert_eq!(room.serves(), 0);
        room.lower(9, start);
        // One of those that it served.
        assert_eq!((room.serves(), room.cap()), (0, 1));
        room.doubt();
        assert_eq!((room.serves(), room.cap()), (9, 10));
        room.lower(7, start);
        assert_eq!((room.serves(), room.cap()), (0, 3));
    }

    #[tokio::test]
    async fn what_was_no_want_of_room_is_undone() {
        let start = Instant::now();
        let mut room = Room::new(10, start);
        room.lower(7, start);
        room.lower(2, start);
        assert_eq!((room.raise(7), room.cap()), (7, 8));
        // The other one shows nothing yet.
        assert!(room.is_lowered() && !room.is_picky(start));
        room.note_picky(start);
        assert_eq!((room.raise(2), room.raise(2), room.cap()), (2, 0, 10));
        assert!(room.is_picky(start + 9 * MINUTE) && !room.is_forgotten(start + 9 * MINUTE));
        assert!(!room.is_picky(start + PICKY) && room.is_forgotten(start + PICKY));
    }

    #[tokio::test]
    async fn several_refusals_at_once_are_one() {
        let start = Instant::now();
        let mut room = Room::new(10, start);
        for _ in 0..7 {
            room.lower(1, start);
        }
        assert_eq!(room.cap(), 3);
        assert_eq!(room.recover(start + 2 * MINUTE), 1);
    }

    #[tokio::test]
    async fn another_number_in_the_settings_counts_at_once_and_a_lowered_room_grows_by_itself() {
        let mut room = Room::new(30, Instant::now());
        assert_eq!(room.resize(10), (0, 20));
        assert_eq!(room.resize(15), (5, 0));
        room.lower(7, Instant::now());
        assert_eq!((room.cap(), room.resize(30)), (8, (0, 0)));
        assert_eq!(room.resize(5), (0, 3));
        assert!(!room.is_lowered());
    }
}
