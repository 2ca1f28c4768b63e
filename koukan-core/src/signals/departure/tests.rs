use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::Wake,
};

use super::*;

/// What an attempt is told, and how often it is woken.
#[derive(Default)]
struct Told {
    is_cancelled: AtomicBool,
    is_lost: AtomicBool,
    wakes: AtomicUsize,
}

impl Orders for Told {
    fn must_end(&self, gone: Gone) -> bool {
        let is_cancelled = self.is_cancelled.load(Ordering::Relaxed) && gone == Gone::No;
        is_cancelled || self.is_overdue()
    }

    fn poll_must_end(&self, _: &Context<'_>, gone: Gone) -> bool {
        self.must_end(gone)
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn is_overdue(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        Orders::wake(&*self);
    }
}

fn under(told: &Arc<Told>) -> Departure {
    let orders: Arc<dyn Orders> = Arc::<Told>::clone(told);
    Departure::under(Arc::downgrade(&orders))
}

/// Somebody who stops is not sent the message, which he would be sent again.
#[test]
fn a_message_is_given_up_or_goes() {
    let given_up = Departure::default();
    assert!(given_up.give_up() && given_up.give_up());
    assert!(!given_up.may_go());
    given_up.note(Gone::Taken);
    assert_eq!(given_up.gone(), Gone::No);

    let gone = Departure::default();
    assert!(gone.may_go() && gone.may_go());
    assert!(!gone.give_up());
    assert_eq!(gone.gone(), Gone::Whole);
}

/// Also if its own thread has not noticed.
#[test]
fn the_message_of_an_attempt_that_must_end_does_not_leave() {
    let told = Arc::new(Told::default());
    told.is_cancelled.store(true, Ordering::Relaxed);
    let departure = under(&told);
    assert!(!departure.may_go());
    assert_eq!(told.wakes.load(Ordering::Relaxed), 1, "it is to end now");
    told.is_cancelled.store(false, Ordering::Relaxed);
    assert!(!departure.may_go(), "the attempt is about to end");
    let departure = under(&told);
    assert!(departure.may_go());
    told.is_cancelled.store(true, Ordering::Relaxed);
    assert!(departure.may_go() && !departure.give_up());
    drop(told);
    assert!(!departure.may_go(), "its lease is gone");
}

/// A process that stood still asks again after it has refreshed its session.
#[test]
fn what_was_given_up_stays_so() {
    let cx = Context::from_waker(Waker::noop());
    for gone in [Gone::No, Gone::Whole] {
        let told = Arc::new(Told::default());
        let departure = under(&told);
        departure.leave(gone);
        assert!(!departure.heed());
        assert_eq!(departure.stand(gone, &cx), Stand::Same);
        told.is_lost.store(true, Ordering::Relaxed);
        assert!(departure.is_overdue() && departure.heed());
        told.is_lost.store(false, Ordering::Relaxed);
        assert_eq!(departure.stand(gone, &cx), Stand::GivenUp);
        assert!(!departure.may_go());
    }
}

#[test]
fn a_group_does_not_say_for_an_endpoint_that_it_asks() {
    let departure = Arc::new(Departure::default());
    departure.note(Gone::Whole);
    let group = departure.hold_for_group();
    assert_eq!((departure.gone(), departure.is_held()), (Gone::No, false));
    let endpoint = departure.hold();
    assert!(departure.is_held());
    drop((group, endpoint));
    assert_eq!(departure.gone(), Gone::Whole);
}

#[test]
fn what_is_read_has_gone_unless_somebody_says_when_it_goes() {
    let departure = Arc::new(Departure::default());
    departure.note(Gone::Taken);
    departure.note(Gone::Whole);
    departure.note(Gone::Taken);
    assert_eq!(departure.gone(), Gone::Whole);
    let held = departure.hold();
    assert_eq!(departure.gone(), Gone::No);
    drop(held);
    // Another endpoint may have read it since.
    assert_eq!(departure.gone(), Gone::Whole);
    let _held = departure.hold();
    assert!(departure.may_go());
    assert_eq!(departure.gone(), Gone::Whole);
}

#[test]
fn what_turns_out_not_to_have_gone_wakes_who_was_to_end_the_attempt() {
    let told = Arc::new(Told::default());
    let waker = Waker::from(Arc::clone(&told));
    let cx = Context::from_waker(&waker);
    let departure = Departure::default();
    assert_eq!(departure.stand(Gone::No, &cx), Stand::Same);
    assert_eq!(departure.leave(Gone::Whole), Leaving::Now);
    assert_eq!(departure.stand(Gone::No, &cx), Stand::Other);
    assert_eq!(departure.stand(Gone::Whole, &cx), Stand::Same);
    departure.stay();
    assert_eq!(departure.gone(), Gone::No);
    assert_eq!(told.wakes.load(Ordering::Relaxed), 1);
    assert_eq!(departure.leave(Gone::Whole), Leaving::Now);
    assert_eq!(departure.leave(Gone::Whole), Leaving::Before);
}

/// An attempt, and a part of it that has orders of its own.
fn divided(told: &Arc<Told>, own: &Arc<Told>) -> (Arc<Departure>, Arc<Departure>) {
    let whole = Arc::new(under(told));
    let part = Arc::new(under(own).with_whole(Some(whole.part())));
    (whole, part)
}

#[test]
fn an_attempt_has_left_once_a_part_of_it_has() {
    let told = [(); 2].map(|()| Arc::new(Told::default()));
    let [of_whole, of_part] = &told;
    let (whole, part) = divided(of_whole, of_part);
    let _holding = whole.divide();
    let cx = Waker::from(Arc::clone(of_whole));
    let cx = Context::from_waker(&cx);
    assert_eq!(whole.gone(), Gone::Divided);
    assert!(part.may_go() && part.may_go());
    assert_eq!(whole.gone(), Gone::Taken);
    assert!(!whole.give_up());
    assert_eq!(whole.stand(Gone::Taken, &cx), Stand::Same);
    // It was refused.
    part.conclude(false);
    assert_eq!(whole.gone(), Gone::Divided);
    assert_eq!(of_whole.wakes.load(Ordering::Relaxed), 1);
    let (whole, part) = divided(of_whole, of_part);
    part.note(Gone::Whole);
    assert_eq!(whole.gone(), Gone::Taken, "nobody says when it goes");
    let holding = part.hold();
    assert_eq!(whole.gone(), Gone::No);
    drop(holding);
    assert_eq!(whole.gone(), Gone::Taken);
    part.conclude(true);
    part.note(Gone::Whole);
    assert_eq!(whole.gone(), Gone::Taken);
}

#[test]
fn a_part_of_what_was_given_up_does_not_leave() {
    let told = [(); 2].map(|()| Arc::new(Told::default()));
    let (whole, part) = divided(&told[0], &told[1]);
    assert!(whole.give_up());
    assert!(!part.may_go());
    assert_eq!((whole.gone(), part.gone()), (Gone::No, Gone::No));
    assert_eq!(whole.may_keep(), Keeping::Never);
}

#[test]
fn what_ends_an_attempt_ends_the_parts_that_have_not_left() {
    let cx = Context::from_waker(Waker::noop());
    let told = [(); 2].map(|()| Arc::new(Told::default()));
    let [of_whole, of_part] = &told;
    let (whole, part) = divided(of_whole, of_part);
    assert_eq!(part.stand(Gone::No, &cx), Stand::Same);
    of_whole.is_cancelled.store(true, Ordering::Relaxed);
    // Nobody has told the attempt.
    assert!(!part.may_go());
    assert_eq!(of_whole.wakes.load(Ordering::Relaxed), 1);
    assert!(whole.give_up());
    assert_eq!(part.stand(Gone::No, &cx), Stand::GivenUp);

    of_whole.is_cancelled.store(false, Ordering::Relaxed);
    let (whole, part) = divided(of_whole, of_part);
    let other = under(of_part).with_whole(Some(Arc::clone(&whole)));
    assert!(other.may_go());
    of_whole.is_cancelled.store(true, Ordering::Relaxed);
    assert_eq!(part.stand(Gone::No, &cx), Stand::GivenUp);
    assert!(!part.may_go() && other.may_go() && !whole.give_up());
    assert_eq!(whole.may_keep(), Keeping::Cancelled);
}

#[test]
fn what_is_kept_is_on_its_own() {
    let cx = Context::from_waker(Waker::noop());
    let told = [(); 2].map(|()| Arc::new(Told::default()));
    let [of_whole, of_part] = told;
    let (whole, part) = divided(&of_whole, &of_part);
    assert_eq!(whole.may_keep(), Keeping::Now);
    assert!(!whole.give_up());
    whole.let_go();
    drop(of_whole);
    assert_eq!(part.stand(Gone::No, &cx), Stand::Same);
    assert!(part.may_go());
}

/// What comes later is undone by whoever wanted it to be kept.
#[test]
fn an_attempt_takes_out_what_was_kept_and_keeps_nothing_afterwards() {
    let told = Arc::new(Told::default());
    let departure = Arc::new(under(&told));
    departure.keep(Box::new(1)).unwrap();
    departure.keep(Box::new("two")).unwrap();
    let kept = departure.take_kept();
    assert_eq!(kept[0].downcast_ref(), Some(&1));
    assert_eq!(kept[1].downcast_ref(), Some(&"two"));
    let late = departure.keep(Box::new(3)).unwrap_err();
    assert_eq!(late.downcast_ref(), Some(&3));
    assert!(departure.take_kept().is_empty());
}

#[test]
fn who_gives_the_orders_is_known_to_the_attempt_that_has_its_message_to_itself() {
    struct Others;

    impl Sharers for Others {
        fn may_go(&self, _: usize) -> bool {
            true
        }
    }

    struct Unknown;

    impl Orders for Unknown {
        fn must_end(&self, _: Gone) -> bool {
            false
        }

        fn poll_must_end(&self, _: &Context<'_>, _: Gone) -> bool {
            false
        }

        fn is_cancelled(&self) -> bool {
            false
        }

        fn is_overdue(&self) -> bool {
            false
        }

        fn wake(&self) {}
    }

    let told = Arc::new(Told::default());
    let departure = Arc::new(under(&told));
    let by = departure.orders_by::<Told>();
    assert!(by.is_some_and(|by| Arc::ptr_eq(&by, &told)));
    assert!(departure.orders_by::<Unknown>().is_none());
    assert!(departure.part().orders_by::<Told>().is_none());
    departure.join(Weak::<Others>::new(), 0);
    assert!(departure.orders_by::<Told>().is_none());
}
