//! Filters that find out who has sent a message.

use koukan_mail_auth::{
    arc_check::ArcCheckLayer, dkim_check::DkimCheckLayer, dmarc_check::DmarcCheckLayer,
    spf_check::SpfCheckLayer,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Surroundings;
use crate::config::HumanDuration;

/// Checks with SPF whether clients may send mail for the domains that they name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskSpf {
    /// How long to wait for the DNS.
    timeout: Option<HumanDuration>,
}

pub(super) fn spf_check(config: AskSpf, surroundings: &Surroundings) -> SpfCheckLayer {
    let (resolver, clock) = (surroundings.resolver.clone(), surroundings.clock.clone());
    let layer = SpfCheckLayer::new(&surroundings.hostname, resolver, clock);
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Verifies DKIM signatures.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyDkim {
    /// How long to wait for the DNS.
    timeout: Option<HumanDuration>,
}

pub(super) fn dkim_check(config: VerifyDkim, surroundings: &Surroundings) -> DkimCheckLayer {
    let (resolver, clock) = (surroundings.resolver.clone(), surroundings.clock.clone());
    let layer = DkimCheckLayer::new(resolver, clock).with_blobs(surroundings.blobs.clone());
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Verifies the ARC chains of forwarders.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyArc {
    /// How long to wait for the DNS.
    timeout: Option<HumanDuration>,
}

pub(super) fn arc_check(config: VerifyArc, surroundings: &Surroundings) -> ArcCheckLayer {
    let layer = ArcCheckLayer::new(surroundings.resolver.clone(), surroundings.clock.clone());
    let layer = layer.with_blobs(surroundings.blobs.clone());
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Looks up the DMARC policies of authors' domains.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskDmarc {
    /// How long to wait for the DNS.
    timeout: Option<HumanDuration>,
}

pub(super) fn dmarc_check(config: AskDmarc, surroundings: &Surroundings) -> DmarcCheckLayer {
    let layer = DmarcCheckLayer::new(surroundings.resolver.clone());
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}
