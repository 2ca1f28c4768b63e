//! What a stage is: the [`MailService`] alias, its erased form, and what failures become.

mod boxed;
mod layer;
mod mail_service;
mod rescue;

pub use self::{
    boxed::BoxMailService,
    layer::BoxMailLayer,
    mail_service::MailService,
    rescue::{Rescue, RescueLayer},
};
