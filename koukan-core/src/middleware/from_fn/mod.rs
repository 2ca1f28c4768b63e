#![doc = include_str!("../../docs/from_fn.md")]

mod layer;
mod next;
mod service;

pub use self::{
    layer::{FromFnLayer, from_fn, from_fn_with_state},
    next::Next,
    service::FromFn,
};

/// The state that was passed to [`from_fn_with_state`], as the function receives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State<S>(pub S);
