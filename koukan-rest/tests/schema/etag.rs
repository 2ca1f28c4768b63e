//! Versions as entity tags.

use koukan_core::resource::Version;
use koukan_rest::schema::etag::{self, Condition};
use rstest::rstest;

#[test]
fn a_version_is_quoted() {
    let version = Version::new("a1");
    assert_eq!(etag::quoted(&version), "\"a1\"");
    assert_eq!(etag::parse(&etag::quoted(&version)), version);
}

#[rstest]
#[case("\"a1\"", "a1")]
#[case("W/\"a1\"", "a1")]
#[case(" a1 ", "a1")]
#[case("\"a,b\"", "a,b")]
#[case("\"\"", "")]
#[case("W/a1", "W/a1")]
#[case("\"a1", "\"a1")]
#[case("\"", "\"")]
fn a_tag_is_quoted_weak_or_bare(#[case] text: &str, #[case] version: &str) {
    assert_eq!(etag::parse(text).as_str(), version);
}

#[rstest]
#[case("\"a\"", &["a"])]
#[case("\"a\", W/\"b\" ,c", &["a", "b", "c"])]
#[case("\"a,b\", \"c\"", &["a,b", "c"])]
#[case("", &[])]
#[case(" , ", &[])]
fn a_condition_lists_versions(#[case] text: &str, #[case] versions: &[&str]) {
    let versions = versions.iter().map(|text| Version::new(*text)).collect();
    assert_eq!(Condition::parse(text), Condition::OneOf(versions));
}

#[test]
fn a_star_is_met_by_every_version() {
    assert!(Condition::parse(" * ").is_met_by(&Version::new("a")));
    assert!(Condition::parse("a, b").is_met_by(&Version::new("b")));
    assert!(!Condition::parse("a, b").is_met_by(&Version::new("c")));
    assert!(!Condition::parse("\"*\"").is_met_by(&Version::new("c")));
}
