//! The account finds every fault.

use jiff::Timestamp;

use crate::crash::{
    book::{Book, Standing},
    plan::{Letter, Way},
    record::{Kept, Record},
};

use super::Account;

const TO: &str = "x0n0r0-a@example.com";
const REFUSED: &str = "x0n0r0-r@example.com";
const FROM: &str = "x0n0-a@senders.example";

/// The account of one recipient.
struct Case {
    to: &'static str,
    letter: Letter,
    book: Book,
    account: Account,
}

impl Case {
    fn new(to: &'static str) -> Self {
        let letter = Letter {
            way: Way::One,
            id: "x0n0".to_owned(),
            from: FROM.to_owned(),
            to: vec![to.to_owned()],
            size: 100,
            is_pipelined: false,
        };
        let book = Book::default();
        book.expect(&letter);
        let account = Account::new(0);
        Self {
            to,
            letter,
            book,
            account,
        }
    }

    fn acknowledged(self) -> Self {
        self.book.told(self.to, Standing::Acknowledged, "250");
        self
    }

    fn delivered(self, run: u32) -> Self {
        self.book.delivered(self.to, run, &self.letter.message());
        self
    }

    fn reported(self, run: u32, id: &str) -> Self {
        let report = format!(
            "Message-ID: <{id}@run>\r\n\r\nFinal-Recipient: rfc822; {}\r\n",
            self.to
        );
        self.book.delivered(FROM, run, &report);
        self
    }

    /// The contents of the database at the end of that run.
    fn killed(mut self, run: u32, kept: &[(&str, &str, Option<bool>)]) -> Self {
        let record = record(kept);
        assert_eq!(self.account.killed.len(), run as usize);
        let at = Timestamp::now();
        self.account.killed(at, &record, &self.book.entries());
        self
    }

    fn faults(mut self, kept: &[(&str, &str, Option<bool>)]) -> Vec<String> {
        self.account.close(&record(kept), &self.book, "");
        let faults = self.account.faults.iter().map(ToString::to_string);
        faults.collect()
    }
}

fn record(kept: &[(&str, &str, Option<bool>)]) -> Record {
    let mut record = Record::default();
    for (to, transaction, settled) in kept {
        record.insert(
            to,
            Kept {
                transaction: (*transaction).to_owned(),
                settled: *settled,
                is_open: settled.is_none(),
            },
        );
    }
    record
}

/// The only fault that was found.
#[track_caller]
fn only(faults: &[String]) -> &str {
    let [fault] = faults else {
        panic!("{faults:?}")
    };
    fault
}

#[test]
fn what_was_delivered_reported_or_queued_is_accounted_for() {
    let none: [String; 0] = [];
    let delivered = Case::new(TO).acknowledged().delivered(0);
    assert_eq!(delivered.faults(&[(TO, "T", Some(true))]), none);
    let reported = Case::new(REFUSED).acknowledged().reported(1, "N");
    assert_eq!(reported.faults(&[(REFUSED, "T", Some(false))]), none);
    let queued = Case::new(TO).acknowledged();
    assert_eq!(queued.faults(&[(TO, "T", None)]), none);
    let told_soon = Case::new(REFUSED).acknowledged();
    let kept = [(REFUSED, "T", Some(false)), (FROM, "N", None)];
    assert_eq!(told_soon.faults(&kept), none);
    assert_eq!(Case::new(TO).faults(&[]), none);
}

#[test]
fn what_is_gone_is_lost() {
    let case = Case::new(TO).acknowledged();
    let case = case.killed(0, &[(TO, "T", None)]);
    let faults = case.faults(&[]);
    assert!(faults.iter().any(|it| it.contains("lost")), "{faults:?}");
}

#[test]
fn an_acknowledgement_that_nothing_stands_for_is_found_even_if_it_is_delivered_later() {
    let case = Case::new(TO).acknowledged().killed(0, &[]).delivered(1);
    let faults = case.faults(&[(TO, "T", Some(true))]);
    assert!(only(&faults).contains("before it was kept"), "{faults:?}");
}

#[test]
fn a_second_delivery_is_explained_by_a_kill_before_the_record() {
    let none: [String; 0] = [];
    let kept = [(TO, "T", None)];
    let done = [(TO, "T", Some(true))];
    let explained = Case::new(TO).delivered(0).killed(0, &kept).delivered(1);
    assert_eq!(explained.faults(&done), none);
    let case = Case::new(TO).delivered(0).killed(0, &done).delivered(1);
    assert!(only(&case.faults(&done)).contains("wrote that it is delivered"));
    let case = Case::new(TO).delivered(0).delivered(0);
    assert!(only(&case.faults(&done)).contains("without a kill"));
}

#[test]
fn notifications_are_held_to_the_same() {
    let none: [String; 0] = [];
    let kept = [(REFUSED, "T", Some(false)), (FROM, "N", None)];
    let told = [(REFUSED, "T", Some(false)), (FROM, "N", Some(true))];
    let explained = Case::new(REFUSED).reported(0, "N").killed(0, &kept);
    assert_eq!(explained.reported(1, "N").faults(&told), none);
    let case = Case::new(REFUSED).reported(0, "N").killed(0, &told);
    assert!(only(&case.reported(1, "N").faults(&told)).contains("wrote"));
    let case = Case::new(REFUSED).reported(0, "N").reported(1, "M");
    assert!(only(&case.faults(&[])).contains("several notifications"));
}

#[test]
fn what_contradicts_what_happened_is_found() {
    let done = [(TO, "T", Some(true))];
    assert!(only(&Case::new(TO).faults(&done)).contains("never said 250"));
    let case = Case::new(TO).delivered(0).reported(0, "N");
    assert!(only(&case.faults(&[])).contains("did not fail"));
    let reported = || Case::new(TO).reported(0, "N");
    assert!(only(&reported().faults(&[])).contains("did not fail"));
    // Another recipient of the transaction was refused.
    let case = reported();
    case.book.refused(TO);
    assert_eq!(case.faults(&[]), Vec::<String>::new());
    let case = Case::new(REFUSED).delivered(0);
    assert!(only(&case.faults(&[])).contains("refuses it"));
    let case = Case::new(TO).delivered(0);
    case.book.told(TO, Standing::Refused, "550");
    assert!(only(&case.faults(&[])).contains("refused for good"));
    let case = Case::new(TO);
    case.book.delivered(TO, 0, "something else");
    assert!(only(&case.faults(&[])).contains("not what was sent"));
    let case = Case::new(TO).delivered(0);
    let twice = [(TO, "T", Some(true)), (TO, "U", Some(true))];
    assert!(only(&case.faults(&twice)).contains("two transactions"));
}
