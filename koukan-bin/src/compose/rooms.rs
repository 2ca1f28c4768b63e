//! The room for connections to hosts, from all endpoints.

use koukan_core::{
    resource::{HostRoom, HostRooms},
    signals::HostPort,
};
use koukan_smtp::SmtpEndpoint;

/// All endpoints that connect to hosts.
pub(super) struct Rooms(pub(super) Vec<SmtpEndpoint>);

impl HostRooms for Rooms {
    fn room(&self, host: &HostPort) -> Option<HostRoom> {
        let rooms = self.0.iter().filter_map(|endpoint| endpoint.room(host));
        rooms.min_by_key(|room| room.connections)
    }
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rooms").field(&self.0.len()).finish()
    }
}
