//! Translates the configuration into the settings of the agent's parts; what is not configured has
//! their defaults.

mod endpoint;
mod exploder;
mod rest_listener;
mod rest_sender;
mod smtp_listener;
mod storage;
