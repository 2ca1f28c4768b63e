//! Who waits for a turn, and who is next.

use std::collections::HashMap;

use koukan_core::shares::Client;

use super::history::{Standing, neighbourhood};

/// The most who wait.
pub(super) const WAITING_MAX: usize = 256;

/// Those who wait for a turn, each with a seat by which the turn reaches it.
///
/// | question | answer |
/// |---|---|
/// | who is next? | the best [`Standing`]; among these, neighbourhoods take turns; in each of them, its clients; of each client, the first that came |
/// | who has to leave when there is one too many? | of those with the worst standing, of the neighbourhood that has most there, of its client that has most there, the last that came; this may be who has just come |
///
/// So a flood leaves room for everybody who stands better, and for everybody else of another neighbourhood.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: Vec<Waiting<T>>,
    /// The number of the next one who comes.
    next: u64,
    /// How many have had a turn.
    served: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    number: u64,
    standing: Standing,
    client: Client,
    neighbourhood: Client,
    /// When the neighbourhood last had a turn, while this one waited.
    neighbourhood_served: u64,
    /// When the client last had one.
    client_served: u64,
    seat: T,
}

/// A place in the line.
#[derive(Debug)]
pub(super) struct Joined<T> {
    pub(super) number: u64,
    /// The seat of the one who had to leave for it, or its own.
    pub(super) crowded_out: Option<T>,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        Self {
            waiting: Vec::new(),
            next: 0,
            served: 0,
        }
    }

    /// Adds one who waits.
    pub(super) fn join(&mut self, client: Client, standing: Standing, seat: T) -> Joined<T> {
        let number = self.next;
        self.next += 1;
        let neighbourhood = neighbourhood(&client);
        let others = || self.waiting.iter();
        // Those who come later are served after the others of theirs, not before.
        let neighbour = others().find(|other| other.neighbourhood == neighbourhood);
        let neighbourhood_served = neighbour.map_or(0, |one| one.neighbourhood_served);
        let other = others().find(|other| other.client == client);
        let client_served = other.map_or(0, |one| one.client_served);
        self.waiting.push(Waiting {
            number,
            standing,
            neighbourhood_served,
            client_served,
            client,
            neighbourhood,
            seat,
        });
        let crowded_out = match self.waiting.len() > WAITING_MAX {
            true => self.one_too_many().map(|at| self.waiting.remove(at).seat),
            false => None,
        };
        Joined {
            number,
            crowded_out,
        }
    }

    /// Removes the one with this number, if it still waits.
    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.retain(|one| one.number != number);
    }

    /// Takes out the next one for whose client `grant` has something.
    pub(super) fn serve<G>(
        &mut self,
        mut grant: impl FnMut(&Client) -> Option<G>,
    ) -> Option<(T, G)> {
        let mut order: Vec<_> = (0..self.waiting.len()).collect();
        order.sort_unstable_by_key(|at| self.waiting[*at].order());
        let mut granted = None;
        let at = order.into_iter().find(|at| {
            granted = grant(&self.waiting[*at].client);
            granted.is_some()
        })?;
        let served = self.waiting.remove(at);
        self.served += 1;
        for other in &mut self.waiting {
            if other.neighbourhood == served.neighbourhood {
                other.neighbourhood_served = self.served;
            }
            if other.client == served.client {
                other.client_served = self.served;
            }
        }
        Some((served.seat, granted?))
    }

    /// Where the one stands who has to leave.
    fn one_too_many(&self) -> Option<usize> {
        let worst = self.waiting.iter().map(|one| one.standing).max()?;
        let candidates = || {
            let all = self.waiting.iter().enumerate();
            all.filter(|(_, one)| one.standing == worst)
        };
        let mut counts = HashMap::<_, (usize, HashMap<_, usize>)>::new();
        for (_, one) in candidates() {
            let (all, clients) = counts.entry(&one.neighbourhood).or_default();
            *all += 1;
            *clients.entry(&one.client).or_default() += 1;
        }
        let weight = |one: &Waiting<T>| {
            let (all, clients) = &counts[&one.neighbourhood];
            (*all, clients[&one.client], one.number)
        };
        let last = candidates().max_by_key(|(_, one)| weight(one));
        last.map(|(at, _)| at)
    }
}

impl<T> Waiting<T> {
    fn order(&self) -> (Standing, u64, u64, u64) {
        (
            self.standing,
            self.neighbourhood_served,
            self.client_served,
            self.number,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Client {
        Client::at(address.parse().unwrap())
    }

    /// A line of these, whose seats are their addresses.
    fn line(of: &[(&'static str, Standing)]) -> Line<&'static str> {
        let mut line = Line::new();
        for (address, standing) in of {
            line.join(at(address), *standing, *address);
        }
        line
    }

    /// All who wait, in the order in which they are served.
    fn order(mut line: Line<&'static str>) -> Vec<&'static str> {
        let next = || line.serve(|_| Some(())).map(|(seat, ())| seat);
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn standing_counts_first() {
        use Standing::{Failed, Known, Neighbour, New};
        let line = line(&[
            ("192.0.2.1", Failed),
            ("192.0.3.1", Neighbour),
            ("192.0.4.1", New),
            ("192.0.5.1", Known),
        ]);
        let expected = ["192.0.5.1", "192.0.4.1", "192.0.3.1", "192.0.2.1"];
        assert_eq!(order(line), expected);
    }

    #[test]
    fn neighbourhoods_take_turns_and_so_do_the_clients_of_each() {
        let waiting = [
            "2001:db8:1:1::1",
            "2001:db8:1:1::2",
            "2001:db8:1:1::3",
            "2001:db8:1:2::1",
            "2001:db8:2:1::1",
            "192.0.2.1",
            "192.0.2.2",
        ];
        let line = line(&waiting.map(|address| (address, Standing::New)));
        let expected = [
            "2001:db8:1:1::1",
            "2001:db8:2:1::1",
            "192.0.2.1",
            "2001:db8:1:2::1",
            "192.0.2.2",
            "2001:db8:1:1::2",
            "2001:db8:1:1::3",
        ];
        assert_eq!(order(line), expected);
    }

    #[test]
    fn who_comes_later_does_not_overtake_its_own() {
        let mut line = line(&[
            ("192.0.2.1", Standing::New),
            ("192.0.2.2", Standing::New),
            ("192.0.3.1", Standing::New),
        ]);
        assert!(line.serve(|_| Some(())).is_some());
        line.join(at("192.0.2.3"), Standing::New, "192.0.2.3");
        assert_eq!(order(line), ["192.0.3.1", "192.0.2.2", "192.0.2.3"]);
    }

    #[test]
    fn who_may_have_nothing_now_holds_up_nobody() {
        let all = ["192.0.2.1", "192.0.3.1"].map(|address| (address, Standing::New));
        let mut line = line(&all);
        let not_the_first = |client: &Client| (*client != at("192.0.2.1")).then_some(());
        assert_eq!(line.serve(not_the_first), Some(("192.0.3.1", ())));
        assert_eq!(line.serve(not_the_first), None);
        assert_eq!(order(line), ["192.0.2.1"]);
    }

    #[test]
    fn who_leaves_is_not_served() {
        let mut line = line(&[("192.0.2.1", Standing::New)]);
        let number = line.join(at("192.0.3.1"), Standing::New, "gone").number;
        line.leave(number);
        line.leave(number);
        assert_eq!(order(line), ["192.0.2.1"]);
    }

    /// The line is full of those; this one comes, and that one has to leave.
    fn crowded_out(
        flood: &[(&'static str, Standing)],
        comes: (&'static str, Standing),
    ) -> Option<&'static str> {
        let mut full: Line<&'static str> = Line::new();
        for (address, standing) in flood.iter().cycle().take(WAITING_MAX) {
            assert!(
                full.join(at(address), *standing, *address)
                    .crowded_out
                    .is_none()
            );
        }
        full.join(at(comes.0), comes.1, comes.0).crowded_out
    }

    #[test]
    fn a_flood_leaves_room_for_others() {
        use Standing::{Failed, New};
        let flood = "192.0.2.1";
        for (others, comes, leaves) in [
            // One client, and one neighbourhood, are their own neighbours.
            (&[(flood, New)][..], ("192.0.2.2", New), flood),
            (&[(flood, New)], (flood, New), flood),
            (
                &[(flood, New), (flood, New), ("192.0.3.1", New)],
                ("192.0.4.1", New),
                flood,
            ),
            // Who stands worse leaves, however few they are.
            (
                &[("192.0.3.1", Failed), (flood, New), (flood, New)],
                ("192.0.4.1", New),
                "192.0.3.1",
            ),
            (&[(flood, New)], ("192.0.4.1", Failed), "192.0.4.1"),
        ] {
            assert_eq!(crowded_out(others, comes), Some(leaves), "{comes:?}");
        }
    }

    #[test]
    fn among_equals_the_last_leaves() {
        let mut line: Line<usize> = Line::new();
        for number in 0..=WAITING_MAX {
            let network = u32::try_from(number << 8).unwrap();
            let client = Client::at(std::net::IpAddr::V4(network.into()));
            let left = line.join(client, Standing::New, number).crowded_out;
            assert_eq!(left, (number == WAITING_MAX).then_some(number));
        }
    }
}
