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

/// The name of the filter.
const NAME: &str = "add_route";

/// Sends a copy of each message through the chain of a sender.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddRoute {
    /// The sender.
    pub(crate) sender: String,
    /// A tag of that sender.
    pub(crate) tag: Option<String>,
    /// When the copy is sent.
    #[serde(default)]
    mode: Mode,
    /// Whether the original's sender is notified about the copy too.
    #[serde(default)]
    notification: bool,
}

/// When a copy is sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Before the original, while the client waits.
    #[default]
    Delivered,
    /// After the original, from the queue.
    Stored,
}

impl AddRoute {
    /// The filter as an `add_route`; `None` if it is another one. A configuration that cannot be
    /// read is reported elsewhere.
    pub(crate) fn of(filter: &Filter) -> Option<Self> {
        let is_it = filter.name == NAME;
        is_it.then(|| Self::deserialize(&filter.config).ok())?
    }

    /// The `add_route` filters of a chain.
    pub(crate) fn all(chain: &Chain) -> impl Iterator<Item = Self> {
        let filters = chain.filter.iter();
        filters.filter_map(|filter| Self::of(&filter.value))
    }

    /// The sender whose chain copies go through.
    pub(crate) fn to_sender(&self) -> Sender {
        let sender = Sender::new(self.sender.as_str());
        match &self.tag {
            Some(tag) => sender.with_tag(tag.as_str()),
            None => sender,
        }
    }

    /// Whether copies are in storage before the client gets its reply.
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
    /// Nowhere: this only checks whether the filters can be made.
    Trial,
    /// To an explanation of what would happen to them.
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
