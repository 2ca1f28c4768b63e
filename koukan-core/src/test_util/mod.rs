//! What tests of services and of backends need.

pub mod backend_contract;
