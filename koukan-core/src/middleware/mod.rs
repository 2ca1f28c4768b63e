//! What makes filters of plain functions and callbacks, and layers that fit any chain.

mod deliver;

pub use self::deliver::{Deliver, DeliverLayer, DeliverRequest, Outcome};
