//! Tests that the databases execute the statements by indices.

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
#[cfg(feature = "postgres")]
mod statements;
