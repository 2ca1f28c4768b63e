//! The policy of an author's domain for messages that do not authenticate as its own: DMARC, RFC 9989.
//!
//! # Example
//!
//! ```
//! use koukan_core::test_util::ScriptedResolver;
//! use koukan_mail_auth::dmarc::{DmarcResult, Identifiers, Policy, evaluate};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let resolver = ScriptedResolver::of_zone(r#"
//!     $ORIGIN example.com.
//!     _dmarc TXT "v=DMARC1; p=reject"
//! "#);
//! let signed = Identifiers { dkim: vec!["news.example.com".into()], ..Identifiers::default() };
//! let answer = evaluate("example.com", &signed, &resolver).await;
//! assert_eq!(answer.result, DmarcResult::Pass);
//! let answer = evaluate("example.com", &Identifiers::default(), &resolver).await;
//! assert_eq!((answer.result, answer.policy), (DmarcResult::Fail, Policy::Reject));
//! # });
//! ```

mod authors;
mod evaluate;
mod record;
mod walk;

pub use self::{
    authors::{AUTHORS_MAX, evaluate_all},
    evaluate::{DmarcAnswer, DmarcResult, Identifiers, evaluate},
    record::Policy,
};
