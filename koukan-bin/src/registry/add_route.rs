//! The filter `add_route`, as configured.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use koukan_core::{
    context::Sender, explain::Copies, filter::add_route::AddRouteLayer, reply::Reply,
    service::BoxMailService, stage::output_handler::TurnAwayLayer, storage::Storage,
    transaction::Transaction,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tower::{Layer, service_fn};

use super::{InvalidFilter, Surroundings};
use crate::config::{Chain, Filter};

/// What it is called.
const NAME: &str = "add_route";

/// Sends a copy of each message through the chain of a sender.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddRoute {
    /// The sender.
    pub(crate) sender: String,
    /// One of its tags.
    pub(crate) tag: Option<String>,
    /// When it goes.
    #[serde(default)]
    mode: Mode,
    /// Whether the original's sender is notified of the copy, too.
    #[serde(default)]
    notification: bool,
}

/// When a copy goes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Before the original, whose client waits.
    #[default]
    Delivered,
    /// After it, by the queue.
    Stored,
}

impl AddRoute {
    /// That filter, if it is one. Of one that cannot be read it is told elsewhere.
    pub(crate) fn of(filter: &Filter) -> Option<Self> {
        let is_it = filter.name == NAME;
        is_it.then(|| Self::deserialize(&filter.config).ok())?
    }

    /// Those of a chain.
    pub(crate) fn all(chain: &Chain) -> impl Iterator<Item = Self> {
        let filters = chain.filter.iter();
        filters.filter_map(|filter| Self::of(&filter.value))
    }

    /// Through whose chain copies go.
    pub(crate) fn to_sender(&self) -> Sender {
        let sender = Sender::new(self.sender.as_str());
        match &self.tag {
            Some(tag) => sender.with_tag(tag.as_str()),
            None => sender,
        }
    }

    /// Whether copies are in storage when the client is answered.
    pub(crate) fn is_stored(&self) -> bool {
        self.mode == Mode::Stored
    }
}

/// Where the copies of a chain's messages go.
#[derive(Debug, Clone, Default)]
pub(crate) enum CopyRoutes {
    /// Nowhere: there are no chains.
    #[default]
    None,
    /// It is only to be seen whether the filters can be made.
    Trial,
    /// Where it is told what would become of them.
    Explained(Copies),
    /// Into storage, or through these chains.
    Agent(Arc<(Storage, HashMap<Sender, BoxMailService>)>),
}

pub(super) fn add_route(
    config: AddRoute,
    surroundings: &Surroundings,
) -> Result<AddRouteLayer, InvalidFilter> {
    let notifies = config.notification;
    let layer = silent(config, surroundings)?;
    Ok(match notifies {
        true => layer.with_notifications(),
        false => layer,
    })
}

fn silent(config: AddRoute, surroundings: &Surroundings) -> Result<AddRouteLayer, InvalidFilter> {
    let sender = config.to_sender();
    let (storage, chains) = match &surroundings.copies {
        CopyRoutes::Agent(agent) => &**agent,
        CopyRoutes::Trial => {
            let nowhere =
                service_fn(async |_: Transaction| Ok::<_, Infallible>(Reply::local_error()));
            return Ok(AddRouteLayer::delivered_for(sender, nowhere));
        }
        CopyRoutes::Explained(copies) => {
            let copies = copies.clone();
            return Ok(match config.is_stored() {
                true => AddRouteLayer::delivered_for(sender, copies.stored()),
                false => AddRouteLayer::delivered_for(sender, copies),
            });
        }
        CopyRoutes::None => return Err(unknown(&sender)),
    };
    if config.is_stored() {
        return Ok(AddRouteLayer::stored(storage.clone(), sender));
    }
    match chains.get(&sender) {
        Some(chain) => {
            let chain = TurnAwayLayer::new(storage.clone()).layer(chain.clone());
            Ok(AddRouteLayer::delivered_for(sender, chain))
        }
        None => Err(unknown(&sender)),
    }
}

fn unknown(sender: &Sender) -> InvalidFilter {
    InvalidFilter::new(format!("there is no chain of sender `{sender}`"))
}
