//! Databases, as far as statements have to know which one it is.
//!
//! Statements are written for SQLite, with `?` and `?1` for parameters; where another database wants other
//! words, the statement asks for the [`Dialect`]. Values and rows are the same for all.

mod connection;
mod dialect;
mod row;
mod values;

pub(crate) use self::{
    connection::{Connection, Executed},
    dialect::Dialect,
    row::{Column, Row},
    values::{Kind, Value, Values},
};
