//! The kinds of databases, as far as statements must distinguish them.
//!
//! Statements are written for SQLite, with `?` and `?1` as parameters. Where another database needs
//! different SQL, the statement asks for the [`Dialect`]. Values and rows are the same for all.

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
