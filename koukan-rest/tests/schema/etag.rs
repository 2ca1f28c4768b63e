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
fn each_view_has_tags_of_its_own() {
    let version = Version::new("a1");
    let [small, full] = [false, true].map(|is_full| etag::of_view(&version, is_full));
    assert_ne!(small, full);
    for (tag, is_full) in [(&small, false), (&full, true)] {
        let condition = || Condition::parse(tag);
        assert!(condition().of_view(is_full).is_met_by(&version));
        assert!(!condition().of_view(!is_full).is_met_by(&version));
        assert!(condition().of_any_view().is_met_by(&version));
    }
    let both = Condition::parse(&format!("{small}, {full}"));
    let known = Condition::OneOf(vec![version]);
    assert_eq!(both.clone().of_view(true), known);
    assert_eq!(both.of_view(false), known);
    assert_eq!(Condition::Any.of_view(true), Condition::Any);
}

#[test]
fn a_star_is_met_by_every_version() {
    assert!(Condition::parse(" * ").is_met_by(&Version::new("a")));
    assert!(Condition::parse("a, b").is_met_by(&Version::new("b")));
    assert!(!Condition::parse("a, b").is_met_by(&Version::new("c")));
    assert!(!Condition::parse("\"*\"").is_met_by(&Version::new("c")));
}
