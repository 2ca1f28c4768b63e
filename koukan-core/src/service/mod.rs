//! What a stage is: the [`MailService`] alias, its erased form, and what failures become.

mod boxed;
mod layer;
mod rescue;

pub use crate::transaction::MailService;

pub use self::{
    boxed::BoxMailService,
    layer::BoxMailLayer,
    rescue::{Rescue, RescueLayer, rescued},
};
