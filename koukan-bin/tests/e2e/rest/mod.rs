//! The REST API: the same tests with all in one process, and with router and gateway apart.

mod flows;
mod python;
mod schemathesis;
mod setup;
