//! Stages: the [`MailService`] alias, its erased form, and how failures become replies.

mod begin;
mod boxed;
mod layer;
mod rescue;

pub use crate::transaction::MailService;

pub(crate) use self::begin::begin;

pub use self::{
    boxed::BoxMailService,
    layer::BoxMailLayer,
    rescue::{Rescue, RescueLayer, rescued},
};
