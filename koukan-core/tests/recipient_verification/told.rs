//! What observers receive.

use std::sync::Mutex;

use koukan_core::event::{Event, Observer, Observers};

use super::*;

/// What observers receive.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(String, bool, Duration)>>);

impl Observer for Seen {
    fn observe(&self, event: &Event<'_>) {
        if let Event::RecipientVerified(it) = event {
            let told = (it.result.to_owned(), it.is_asked, it.duration);
            self.0.lock().unwrap().push(told);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn observers_are_told_what_was_found_out_and_whether_it_was_asked() {
    let second = Duration::from_secs(1);
    let destination = Script::new()
        .rcpt("no@example.com", Reply::no_such_user())
        .rcpt("busy@example.com", Reply::mailbox_busy())
        .other_rcpts(Answer::After(second, Reply::recipient_ok()));
    let seen = Arc::<Seen>::default();
    let observers = Observers::default().with(seen.clone());
    let layer = RecipientVerificationLayer::new(verifier(&destination)).with_observers(observers);
    let to = [
        "bob@example.com",
        "no@example.com",
        "busy@example.com",
        "bob@example.com",
    ];
    asked(layer.layer(Script::new()), &to).await;
    let seen = seen.0.lock().unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|(result, is_asked, time)| (result.as_str(), *is_asked, *time))
        .collect();
    assert_eq!(
        seen,
        [
            ("ACCEPTED", true, second),
            ("REFUSED", true, Duration::ZERO),
            ("UNKNOWN", true, Duration::ZERO),
            ("ACCEPTED", false, Duration::ZERO),
        ]
    );
}
