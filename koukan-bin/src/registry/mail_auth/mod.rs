//! The filters of `koukan-mail-auth`, and their configuration.

mod check;
mod key;
mod matchers;
mod results_field;
mod sign;
mod srs;

use koukan_core::signals::DurableSignal;
use koukan_mail_auth::{arc_check::Arc, dkim_check::Dkim, dmarc_check::Dmarc, spf_check::Spf};

use super::{InvalidFilter, Registry, Surroundings};
use crate::config::Step;

use self::{
    check::{arc_check, dkim_check, dmarc_check, spf_check},
    matchers::{arc, dkim, dmarc, spf},
    results_field::authentication_results,
    sign::dkim_sign,
    srs::srs,
};

pub(crate) use self::sign::signs;
pub(super) use self::srs::Reversing;

/// Adds the filters and matchers.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("dkim_sign", dkim_sign);
    registry.own_filter("spf_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(spf_check(config, surroundings))
    });
    registry.own_filter("dkim_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(dkim_check(config, surroundings))
    });
    registry.own_filter("dmarc_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(dmarc_check(config, surroundings))
    });
    registry.own_filter("arc_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(arc_check(config, surroundings))
    });
    registry.own_filter("authentication_results", authentication_results);
    registry.signals("spf_check", [Spf::NAME]);
    registry.signals("dkim_check", [Dkim::NAME]);
    registry.signals("dmarc_check", [Dmarc::NAME]);
    registry.own_filter("srs", srs);
    registry.signals("srs", []);
    registry.signals("arc_check", [Arc::NAME]);
    registry.signals("authentication_results", []);
    registry.matcher("spf", spf);
    registry.matcher("dmarc", dmarc);
    registry.matcher("dkim", dkim);
    registry.matcher("arc", arc);
}

fn key_step(name: &str) -> Step {
    Step::Key(name.into())
}

fn at(message: impl Into<String>, at: Vec<Step>) -> InvalidFilter {
    InvalidFilter {
        at,
        ..InvalidFilter::new(message)
    }
}
