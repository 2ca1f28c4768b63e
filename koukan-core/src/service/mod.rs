//! Stages: the [`MailService`] alias, its erased form, and how failures become replies.
//!
//! | | is |
//! |---|---|
//! | [`MailService`] | what filters, stages and endpoints are. `tower::service_fn` makes one from an `async fn` |
//! | [`BoxMailService`], [`BoxMailLayer`] | any mail service or layer, as one type: for chains that are made at run time |
//! | [`rescued`], [`Rescue`] | how the failure of a service becomes a reply |

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
