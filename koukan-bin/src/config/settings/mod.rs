//! What the configuration means to the parts of an agent: their settings, with their own defaults
//! where nothing is configured.

mod endpoint;
mod exploder;
mod rest_listener;
mod rest_sender;
mod smtp_listener;
mod storage;
