//! How many file descriptors each part may have: a pure calculation.

use std::fmt::Write;

use koukan_core::{blob, network::ListenAddress};
use koukan_rest::server::ConnectionSettings;
use koukan_smtp::server::Limits;

use crate::config::{Config, Output, Place};

/// File descriptors of the process itself: its runtime, its log, connections that are being turned
/// away, and a margin for what libraries open for a moment.
const PROCESS: u64 = 40;
/// File descriptors of the database: its readers and its writer have two files each, and share some. PostgreSQL needs
/// one for each connection, and a few for connections that are being replaced.
const DATABASE: u64 = 24;
/// The fraction (one in so many) of the rest that is kept at least for connections to destinations.
const TO_DESTINATIONS: u64 = 3;
/// The fraction (one in so many) of the rest that is used at most for spill files.
const FOR_SPILL: u64 = 12;
/// The fewest connections that a listener should have if the configuration does not say.
const FEW: u64 = 256;
/// The fewest connections to destinations that there should be if the configuration does not say.
const FEW_TO_DESTINATIONS: usize = 200;

/// How many each part may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Connections of clients, by SMTP listener, in the order of the configuration.
    pub(crate) smtp: Vec<usize>,
    /// The same, by HTTP listener.
    pub(crate) rest: Vec<usize>,
    /// Connections to destinations.
    pub(crate) destinations: usize,
    /// Files to which bodies spill.
    pub(crate) spill_files: usize,
}

/// There are fewer file descriptors than the configuration may need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// The place of the first listener that gets fewer connections.
    pub(crate) place: Place<()>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
}

/// What a listener wants.
struct Wish<'a> {
    address: &'a Place<ListenAddress>,
    max: u64,
    /// Whether the number is in the configuration.
    is_said: bool,
}

impl Plan {
    /// Splits `limit`; `None` means no limit. There is always a plan, even if it gives less than is configured.
    pub(crate) fn new(config: &Config, limit: Option<u64>) -> (Self, Option<Shortage>) {
        let wishes = wishes(config);
        let all = |granted: &[u64]| -> Vec<usize> {
            let granted = granted.iter();
            granted
                .map(|max| usize::try_from(*max).unwrap_or(usize::MAX))
                .collect()
        };
        let Some(limit) = limit else {
            let granted: Vec<_> = wishes.iter().map(|wish| wish.max).collect();
            let (smtp, rest) = granted.split_at(config.smtp_listener.len());
            let plan = Self {
                smtp: all(smtp),
                rest: all(rest),
                destinations: usize::MAX,
                spill_files: usize::MAX,
            };
            return (plan, None);
        };
        let own = PROCESS + of_database(config) + wishes.len() as u64;
        // With less than this nothing works well.
        let left = limit.saturating_sub(own).max(FOR_SPILL);
        let limits = blob::Limits::from(&config.storage);
        let spill = (left / FOR_SPILL)
            .min(limits.budget / limits.window.max(1))
            .max(1);
        let clients = left - left / TO_DESTINATIONS - spill;
        let granted = split(clients, &wishes);
        let destinations = left - spill - granted.iter().sum::<u64>().min(clients);
        let (smtp, rest) = granted.split_at(config.smtp_listener.len());
        let plan = Self {
            smtp: all(smtp),
            rest: all(rest),
            destinations: usize::try_from(destinations).unwrap_or(usize::MAX),
            spill_files: usize::try_from(spill).unwrap_or(usize::MAX),
        };
        let shortage = plan.shortage(config, limit, &wishes, &granted);
        (plan, shortage)
    }

    fn shortage(
        &self,
        config: &Config,
        limit: u64,
        wishes: &[Wish<'_>],
        granted: &[u64],
    ) -> Option<Shortage> {
        let attempts = wished_attempts(config);
        let fewer = wishes.iter().zip(granted);
        let fewer: Vec<_> = fewer.filter(|(wish, got)| **got < wish.least()).collect();
        if fewer.is_empty() && self.destinations >= attempts {
            return None;
        }
        let mut message = format!("there are {limit} file descriptors, too few: ");
        for (wish, got) in &fewer {
            let (address, max) = (&wish.address.value, wish.max);
            // Writing to a string cannot fail.
            let _ = write!(message, "{address} takes {got} connections and not {max}, ");
        }
        let destinations = self.destinations;
        let _ = write!(message, "there are {destinations} to destinations");
        let wanted: u64 = wishes.iter().map(Wish::least).sum();
        let wanted = (wanted * FOR_SPILL).div_ceil(FOR_SPILL - FOR_SPILL / TO_DESTINATIONS - 1);
        let wanted = wanted.max(attempts as u64 * TO_DESTINATIONS);
        let wanted = PROCESS + of_database(config) + wishes.len() as u64 + wanted + TO_DESTINATIONS;
        Some(Shortage {
            place: fewer
                .first()
                .map_or(Place::nowhere(()), |(wish, _)| wish.address.place()),
            message,
            help: format!(
                "raise the hard limit to {wanted} (`LimitNOFILE` of systemd, `ulimit -Hn`), or lower \
                 `max_connections` of the listeners"
            ),
        })
    }
}

impl Wish<'_> {
    /// The number of connections below which there is a shortage.
    fn least(&self) -> u64 {
        if self.is_said {
            self.max
        } else {
            self.max.min(FEW)
        }
    }
}

/// The number of connections to destinations below which there is a shortage.
fn wished_attempts(config: &Config) -> usize {
    let attempts = config.output.max_in_flight;
    if attempts == Output::default().max_in_flight {
        return attempts.get().min(FEW_TO_DESTINATIONS);
    }
    attempts.get()
}

fn wishes(config: &Config) -> Vec<Wish<'_>> {
    let smtp = config.smtp_listener.iter().map(|listener| {
        let said = listener.max_connections;
        (&listener.address, said, Limits::default().connections)
    });
    let rest = config.rest_listener.iter().map(|listener| {
        let said = listener.max_connections;
        let default = ConnectionSettings::default().max_connections;
        (&listener.address, said, default)
    });
    let wish = |(address, said, default): (_, Option<std::num::NonZeroUsize>, usize)| Wish {
        address,
        max: said.map_or(default, |said| said.get()) as u64,
        is_said: said.is_some(),
    };
    smtp.chain(rest).map(wish).collect()
}

/// Splits connections between listeners: those with a number in the configuration come first, as
/// far as the others keep a few.
fn split(total: u64, wishes: &[Wish<'_>]) -> Vec<u64> {
    let least: u64 = wishes.iter().map(Wish::least).sum();
    if least > total {
        return fair(total, wishes.iter().map(|wish| wish.max));
    }
    let said = wishes.iter().filter(|wish| wish.is_said);
    let left = total - said.map(|wish| wish.max).sum::<u64>();
    let others = wishes.iter().filter(|wish| !wish.is_said);
    let mut others = fair(left, others.map(|wish| wish.max)).into_iter();
    let granted = wishes.iter().map(|wish| match wish.is_said {
        true => wish.max,
        false => others.next().unwrap_or(wish.max),
    });
    granted.collect()
}

/// Gives each what it wants, or an equal share of what remains of those that want less; at least one.
fn fair(total: u64, wishes: impl Iterator<Item = u64>) -> Vec<u64> {
    let wishes: Vec<_> = wishes.collect();
    let mut order: Vec<_> = (0..wishes.len()).collect();
    order.sort_by_key(|index| wishes[*index]);
    let mut granted = vec![0; wishes.len()];
    let (mut left, mut others) = (total, wishes.len() as u64);
    for index in order {
        granted[index] = wishes[index].min(left / others).max(1);
        left = left.saturating_sub(granted[index]);
        others -= 1;
    }
    granted
}

/// How many file descriptors the database needs.
fn of_database(config: &Config) -> u64 {
    let postgres = config.storage.postgres.as_ref();
    let connections = postgres.and_then(|postgres| postgres.connections);
    connections.map_or(DATABASE, |it| DATABASE.max(u64::from(it.value) * 5 / 4))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::registry::Registry;

    use super::*;

    /// The local configuration, with these limits on its listeners.
    fn config(smtp: Option<usize>, rest: Option<usize>) -> Config {
        let text = include_str!("../../../config/local/koukan.yaml");
        let mut config = Config::parse(Path::new("x"), text, &Registry::default()).unwrap();
        assert_eq!(
            (config.smtp_listener.len(), config.rest_listener.len()),
            (2, 1)
        );
        config.smtp_listener[0].max_connections = smtp.map(|max| max.try_into().unwrap());
        config.rest_listener[0].max_connections = rest.map(|max| max.try_into().unwrap());
        config
    }

    fn plan(limit: u64, smtp: Option<usize>, rest: Option<usize>) -> (Plan, Option<Shortage>) {
        let (plan, shortage) = Plan::new(&config(smtp, rest), Some(limit));
        let clients: usize = plan.smtp.iter().chain(&plan.rest).sum();
        let own = (PROCESS + DATABASE) as usize + 3;
        let used = own + clients + plan.destinations + plan.spill_files;
        assert!(
            used <= limit as usize || limit < 90,
            "{used} of {limit}: {plan:?}"
        );
        (plan, shortage)
    }

    #[test]
    fn with_enough_of_them_all_have_what_they_wish() {
        let (plan, shortage) = plan(1 << 20, None, None);
        assert_eq!((plan.smtp, plan.rest), (vec![4096, 4096], vec![20_000]));
        assert_eq!(shortage, None);
        let (plan, shortage) = Plan::new(&config(None, None), None);
        assert_eq!(plan.destinations, usize::MAX);
        assert_eq!(shortage, None);
    }

    #[test]
    fn what_nobody_has_asked_for_is_lowered_without_a_word() {
        let (plan, shortage) = plan(20_000, Some(1000), None);
        assert_eq!((&plan.smtp[0], shortage), (&1000, None));
        assert_eq!(plan.smtp[1], 4096);
        assert!(
            plan.rest[0] > 5_000 && plan.destinations > 6_000,
            "{plan:?}"
        );
    }

    #[test]
    fn many_connections_to_the_database_are_counted() {
        let text = include_str!("../../../config/local/koukan.yaml");
        let plan = |postgres: &str| {
            let text = text.replace("sqlite: data/koukan.sqlite", postgres);
            let config = Config::parse(Path::new("x"), &text, &Registry::default()).unwrap();
            Plan::new(&config, Some(2000)).0.destinations
        };
        let [few, many] = ["12", "400"].map(|connections| {
            plan(&format!(
                "postgres: {{ url: \"postgres://a@b/c\", connections: {connections} }}"
            ))
        });
        assert!(few > many + 100, "{few}, {many}");
    }

    #[test]
    fn what_is_asked_for_and_cannot_be_had_is_told() {
        let (plan, shortage) = plan(20_000, None, Some(20_000));
        let shortage = shortage.unwrap();
        assert!(plan.smtp.iter().all(|max| *max > 3_000), "{plan:?}");
        assert!(shortage.place.line > 0);
        let told = "takes 4";
        assert!(shortage.message.contains(told), "{}", shortage.message);
        assert!(shortage.message.contains("and not 20000"));
    }

    #[test]
    fn where_there_are_few_nobody_has_none() {
        for limit in [1024, 256, 128, 96, 64, 1] {
            let (plan, shortage) = plan(limit, None, None);
            assert!(plan.smtp.iter().chain(&plan.rest).all(|max| *max > 0));
            assert!(plan.destinations > 0 && plan.spill_files > 0);
            assert!(shortage.is_some(), "{limit}");
        }
        assert_eq!(plan(1024, None, None).0.smtp, [186, 186]);
    }

    #[test]
    fn with_the_limit_that_is_advised_nothing_is_wrong() {
        for (smtp, rest) in [(None, None), (Some(5000), None), (Some(7), Some(30_000))] {
            let (_, shortage) = plan(100, smtp, rest);
            let help = shortage.unwrap().help;
            let advised = help.split(' ').find_map(|word| word.parse().ok()).unwrap();
            assert_eq!(plan(advised, smtp, rest).1, None, "{help}");
        }
    }
}
