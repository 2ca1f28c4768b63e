//! DMARC for a message with several authors: RFC 9989 section 5.3.1 leaves the decision to the receiver.
//!
//! Each author's domain is asked, and the worst answer counts. So a forger gains nothing by naming a second
//! author.

use std::time::Duration;

use futures_util::future::join_all;
use koukan_core::network::Resolver;
use tokio::time::timeout;

use super::{DmarcAnswer, DmarcResult, Identifiers, evaluate};

/// How many author domains are asked at most.
pub const AUTHORS_MAX: usize = 10;

/// Asks the DNS of each author's domain whether the message is authentic. Returns the domain whose answer counts, and
/// the answer. Without an author, or with more than [`AUTHORS_MAX`] domains, the result is
/// [`DmarcResult::PermError`], for no domain. All domains are asked at the same time. A domain that does not answer
/// within `time` is unknown, and does not affect the answers of the others.
///
/// | answers | what counts |
/// |---|---|
/// | one is `fail` | that one; of several, the one with the strictest policy |
/// | otherwise, one is unknown | that one |
/// | otherwise, one domain has no policy | that one |
/// | all are `pass` | the first |
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
pub async fn evaluate_all<'a>(
    authors: &'a [String],
    identifiers: &Identifiers,
    resolver: &dyn Resolver,
    time: Duration,
) -> (&'a str, DmarcAnswer) {
    if authors.len() > AUTHORS_MAX {
        return ("", DmarcAnswer::of(DmarcResult::PermError));
    }
    let asked = authors.iter().map(async |author| {
        let answer = timeout(time, evaluate(author, identifiers, resolver)).await;
        let answer = answer.unwrap_or_else(|_| DmarcAnswer::of(DmarcResult::TempError));
        (author.as_str(), answer)
    });
    worst(join_all(asked).await).unwrap_or(("", DmarcAnswer::of(DmarcResult::PermError)))
}

/// The first of the worst answers.
fn worst<T>(answers: Vec<(T, DmarcAnswer)>) -> Option<(T, DmarcAnswer)> {
    answers
        .into_iter()
        .reduce(|worst, next| match badness(&next.1) > badness(&worst.1) {
            true => next,
            false => worst,
        })
}

fn badness(answer: &DmarcAnswer) -> (u8, u8) {
    let policy = answer.policy as u8;
    match answer.result {
        DmarcResult::Fail => (4, policy),
        DmarcResult::TempError => (3, 0),
        DmarcResult::PermError => (2, 0),
        DmarcResult::None => (1, 0),
        DmarcResult::Pass => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::test_util::ScriptedResolver;

    use super::*;
    use crate::dmarc::Policy;

    const TIME: Duration = Duration::from_secs(20);

    fn dns() -> ScriptedResolver {
        let text = |text: &str| [Box::from(text.as_bytes())];
        ScriptedResolver::new()
            .with_txt("_dmarc.good.example", text("v=DMARC1; p=reject"))
            .with_txt("_dmarc.also.example", text("v=DMARC1; p=quarantine"))
            .with_txt("_dmarc.bank.example", text("v=DMARC1; p=reject"))
            .with_txt("_dmarc.mild.example", text("v=DMARC1; p=none"))
            .with_failure("_dmarc.down.example")
            .with_silence("_dmarc.silent.example")
    }

    #[tokio::test(start_paused = true)]
    async fn the_worst_of_them_counts() {
        use DmarcResult::{Fail, None as Nothing, Pass, PermError, TempError};
        use Policy::{None, Quarantine, Reject};
        let many = (0..11)
            .map(|it| format!("d{it}.example"))
            .collect::<Vec<_>>();
        for (authors, whose, result, policy) in [
            ("good.example", "good.example", Pass, Reject),
            ("good.example also.example", "good.example", Pass, Reject),
            (
                "also.example good.example",
                "also.example",
                Pass,
                Quarantine,
            ),
            // A sender names a bank as a second author.
            ("good.example bank.example", "bank.example", Fail, Reject),
            ("bank.example good.example", "bank.example", Fail, Reject),
            ("mild.example bank.example", "bank.example", Fail, Reject),
            ("good.example mild.example", "mild.example", Fail, None),
            ("good.example none.example", "none.example", Nothing, None),
            ("good.example down.example", "down.example", TempError, None),
            ("down.example bank.example", "bank.example", Fail, Reject),
            // The same, with a DNS that gives no answers about the sender's own domain.
            ("silent.example bank.example", "bank.example", Fail, Reject),
            (
                "good.example silent.example",
                "silent.example",
                TempError,
                None,
            ),
            ("", "", PermError, None),
            (&*many.join(" "), "", PermError, None),
        ] {
            let authors: Vec<_> = authors.split_whitespace().map(str::to_owned).collect();
            let identifiers = Identifiers {
                spf: Some("good.example".into()),
                dkim: vec!["also.example".into()],
                ..Identifiers::default()
            };
            let (of, answer) = evaluate_all(&authors, &identifiers, &dns(), TIME).await;
            let found = (of, answer.result, answer.policy);
            assert_eq!(found, (whose, result, policy), "{authors:?}");
        }
    }
}
