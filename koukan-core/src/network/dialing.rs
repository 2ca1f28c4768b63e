//! Connecting to a host that has several addresses: [`Dialing`].

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::sleep;

/// How long an address may be silent before the next one is tried as well.
///
/// *Source*: RFC 8305 section 8.
const HEAD_START: Duration = Duration::from_millis(250);
/// The most addresses that are tried at the same time: a host with many silent addresses must not take the connections
/// that other hosts need.
const UNDER_WAY_MAX: usize = 3;

/// Connects to the addresses of a host in order. If an address has not answered after 250 ms, the next one is tried at
/// the same time (*happy eyeballs*), up to three in all. So a silent address costs 250 ms, and not the whole time for a
/// connection.
///
/// # Source
///
/// RFC 8305 section 5. The caller chooses the order of the addresses; see [`alternating`] for that of section 4.
///
/// # Example
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// use koukan_core::network::Dialing;
///
/// let connect = |number: u32| async move {
///     match number {
///         1 => std::future::pending().await,
///         number => Ok::<_, ()>(number * 10),
///     }
/// };
/// let mut dialing = Dialing::new([1, 2, 3], connect);
/// assert_eq!(dialing.next().await, Some((2, Ok(20))));
/// # });
/// ```
pub struct Dialing<A, C, F> {
    /// Addresses that are tried next, in order.
    left: VecDeque<A>,
    connect: C,
    /// Addresses that are being tried, in order.
    under_way: Vec<(A, Pin<Box<F>>)>,
}

impl<A, C, F, T, E> Dialing<A, C, F>
where
    A: Clone,
    C: FnMut(A) -> F,
    F: Future<Output = Result<T, E>>,
{
    /// Connects to these addresses with `connect`, which has to limit the time for each.
    pub fn new(addresses: impl IntoIterator<Item = A>, connect: C) -> Self {
        Self {
            left: addresses.into_iter().collect(),
            connect,
            under_way: Vec::new(),
        }
    }

    /// The outcome for one address; `None` once all were tried. When a connection is made, the other attempts end. If the
    /// connection turns out to be of no use, call this again: the addresses of those attempts are tried again first.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the attempts go on with the next call.
    pub async fn next(&mut self) -> Option<(A, Result<T, E>)> {
        loop {
            if self.under_way.is_empty() && !self.begin() {
                return None;
            }
            let Some((index, result)) = self.ended().await else {
                self.begin();
                continue;
            };
            let (address, _) = self.under_way.remove(index);
            match &result {
                Ok(_) => {
                    let others = self.under_way.drain(..).rev();
                    others.for_each(|(address, _)| self.left.push_front(address));
                }
                Err(_) => {
                    self.begin();
                }
            }
            return Some((address, result));
        }
    }

    /// Waits until an attempt has ended, and returns its index; or `None` when it is time for the next address.
    async fn ended(&mut self) -> Option<(usize, Result<T, E>)> {
        let mut later = pin!(sleep(HEAD_START));
        poll_fn(|cx| {
            for (index, (_, connecting)) in self.under_way.iter_mut().enumerate() {
                if let Poll::Ready(result) = connecting.as_mut().poll(cx) {
                    return Poll::Ready(Some((index, result)));
                }
            }
            match self.left.is_empty() || self.under_way.len() >= UNDER_WAY_MAX {
                true => Poll::Pending,
                false => later.as_mut().poll(cx).map(|()| None),
            }
        })
        .await
    }

    /// Starts with the next address; `false` if there is none.
    fn begin(&mut self) -> bool {
        let Some(address) = self.left.pop_front() else {
            return false;
        };
        let connecting = Box::pin((self.connect)(address.clone()));
        self.under_way.push((address, connecting));
        true
    }
}

/// Puts IPv4 and IPv6 addresses in alternating order, beginning with the family of the first; the order within a family
/// stays. So if one family is unreachable, the second attempt already uses the other.
///
/// # Source
///
/// RFC 8305 section 4.
pub fn alternating(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else {
        return addresses;
    };
    let is_ipv4 = first.is_ipv4();
    let (ones, others): (Vec<IpAddr>, Vec<IpAddr>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv4() == is_ipv4);
    let (mut ones, mut others) = (ones.into_iter(), others.into_iter());
    let mut all = Vec::with_capacity(addresses.len());
    while all.len() < addresses.len() {
        all.extend(ones.next());
        all.extend(others.next());
    }
    all
}

impl<A: fmt::Debug, C, F> fmt::Debug for Dialing<A, C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way: Vec<_> = self.under_way.iter().map(|(address, _)| address).collect();
        f.debug_struct("Dialing")
            .field("left", &self.left)
            .field("under_way", &under_way)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    /// A connection that takes so many milliseconds. It fails if the number is odd.
    async fn connected(millis: u64) -> Result<u64, u64> {
        sleep(Duration::from_millis(millis)).await;
        match millis % 2 {
            0 => Ok(millis),
            _ => Err(millis),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_is_waited_for_beside_the_next() {
        for (addresses, expected, after) in [
            (&[100][..], &[Ok(100)][..], 100),
            (&[10_000], &[Ok(10_000)], 10_000),
            (&[10_000, 100], &[Ok(100)], 350),
            // Each address has its head start.
            (&[10_000, 20_000, 100], &[Ok(100)], 600),
            // Three at the same time at most; the fourth waits until one of them has ended.
            (&[1001, 20_000, 30_000, 100], &[Err(1001), Ok(100)], 1101),
            // The first address may still win.
            (&[400, 10_000], &[Ok(400)], 400),
            // After a failure the next is tried at once.
            (&[1, 3, 100], &[Err(1), Err(3), Ok(100)], 104),
            (&[10_000, 1, 100], &[Err(1), Ok(100)], 351),
            (&[301, 201], &[Err(301), Err(201)], 451),
        ] {
            let begun = Instant::now();
            let mut dialing = Dialing::new(addresses.iter().copied(), connected);
            for expected in expected {
                let (address, result) = dialing.next().await.unwrap();
                let number = expected.unwrap_or_else(|number| number);
                assert_eq!((address, result), (number, *expected));
            }
            assert_eq!(begun.elapsed().as_millis(), after, "{addresses:?}");
            if expected.len() == addresses.len() && addresses.len() > 1 {
                assert!(dialing.next().await.is_none());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_connection_is_of_no_use_the_others_are_tried_anew() {
        let begun = Mutex::new(Vec::new());
        let connect = |millis| {
            begun.lock().unwrap().push(millis);
            connected(millis)
        };
        let mut dialing = Dialing::new([10_000, 100, 200], connect);
        let mut all = Vec::new();
        while let Some((_, result)) = dialing.next().await {
            all.push(result.unwrap());
        }
        // After 100 the first is tried again, and 200 beside it.
        assert_eq!(all, [100, 200, 10_000]);
        assert_eq!(*begun.lock().unwrap(), [10_000, 100, 10_000, 200, 10_000]);
    }

    #[test]
    fn families_take_turns() {
        for (addresses, expected) in [
            (&[][..], &[][..]),
            (&["::1", "::2", "192.0.2.1"], &["::1", "192.0.2.1", "::2"]),
            (
                &["192.0.2.1", "192.0.2.2", "192.0.2.3", "::1", "::2"],
                &["192.0.2.1", "::1", "192.0.2.2", "::2", "192.0.2.3"],
            ),
            (&["::3", "::1"], &["::3", "::1"]),
        ] {
            let of = |all: &[&str]| -> Vec<IpAddr> {
                all.iter().map(|address| address.parse().unwrap()).collect()
            };
            assert_eq!(alternating(of(addresses)), of(expected));
        }
    }
}
