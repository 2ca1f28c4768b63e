//! Known faults that are not fixed yet. Each test fails once its fault is fixed. Then its `Known`
//! is removed, simulations no longer ignore it, and the test is removed too.

use std::time::Duration;

use koukan_core::test_util::Faults;
use koukan_simulation::{
    DestinationPlan, Doing, Known, Letter, Mood, Plan, RestPlan, Simulation, Step, To, Upload,
};

use super::found;

fn insisting_on(known: Known) -> Simulation {
    Simulation::new().insisting_on(known)
}

#[test]
fn a_lease_that_nobody_heard_of_is_kept() {
    found(&insisting_on(Known::LeaseUnheard), "stay leased");
}

/// Some applications send to a destination that hangs, and one to a destination that is well.
#[test]
fn queued_messages_wait_for_those_that_hang() {
    let mut plan = Plan::of(0);
    plan.faults = Faults::default();
    plan.ends.clear();
    plan.max_in_flight = 1;
    plan.archives = false;
    plan.divides = false;
    plan.destinations.truncate(1);
    plan.destinations[0].mood = Mood::Hanging;
    plan.destinations.push(DestinationPlan {
        mood: Mood::Healthy,
        ..plan.destinations[0].clone()
    });
    let to = |destination| To {
        index: 0,
        destination,
        exists: true,
    };
    let send = |number: u32, destination| Step {
        at: Duration::from_secs(number.into()),
        doing: Doing::Rest(RestPlan {
            letter: Letter {
                number,
                to: vec![to(destination)],
                is_list: false,
                size: 0,
            },
            upload: Upload::Inline,
            wait: None,
            cancelled: None,
            watched: None,
            repeated: None,
            lists: false,
            vanishes: None,
            send_at: None,
        }),
    };
    plan.steps = (1..6).map(|number| send(number, 0)).collect();
    plan.steps.push(send(6, 1));
    Simulation::new()
        .run(&plan)
        .expect("the fault is overlooked");
    let failure = insisting_on(Known::Delay).run(&plan);
    let failure = failure.expect_err("the fault is there");
    assert!(
        failure.violations[0].contains("who is well, gets message 6"),
        "{failure}"
    );
}
