//! Blobs that are complete when they are written.

use std::collections::HashSet;

use bytes::Bytes;

use crate::{
    database::{Connection, Dialect, Kind},
    query::{INSERT_BLOB, INSERT_BLOBS, INSERT_CHUNKS, Values},
};

/// How many chunks go with their blobs into one statement of PostgreSQL at most.
const CHUNKS_AT_MOST: usize = 128;

/// A blob that is written unless it exists.
pub(super) struct NewBlob<'a> {
    pub(super) id: &'a str,
    pub(super) len: i64,
    pub(super) created: i64,
    /// The start and the octets of each.
    pub(super) chunks: &'a [(i64, Bytes)],
}

/// A chunk, with its blob.
type ChunkOf<'a> = (&'a str, &'a (i64, Bytes));

/// Writes blobs that do not exist, with their octets. Returns for each whether it was new.
pub(super) async fn write_blobs(
    connection: &mut Connection,
    blobs: &[NewBlob<'_>],
) -> Result<Vec<bool>, sqlx::Error> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    match connection.dialect() {
        Dialect::Sqlite => write_one_by_one(connection, blobs).await,
        Dialect::Postgres => write_together(connection, blobs).await,
    }
}

async fn write_one_by_one(
    connection: &mut Connection,
    blobs: &[NewBlob<'_>],
) -> Result<Vec<bool>, sqlx::Error> {
    let written = INSERT_BLOB.execute_each(connection, blobs, |blob, values| {
        values.add(blob.id).add(blob.len).add(blob.created);
    });
    let written = written.await?;
    let is_new: Vec<_> = written.iter().map(|one| one.affected == 1).collect();
    let new = blobs.iter().zip(&is_new).filter(|(_, is_new)| **is_new);
    let chunks: Vec<_> = new.flat_map(|(blob, _)| blob.chunks_of()).collect();
    write_chunks(connection, &chunks).await?;
    Ok(is_new)
}

async fn write_together(
    connection: &mut Connection,
    blobs: &[NewBlob<'_>],
) -> Result<Vec<bool>, sqlx::Error> {
    let chunks: Vec<_> = blobs.iter().flat_map(NewBlob::chunks_of).collect();
    let (first, others) = chunks.split_at(chunks.len().min(CHUNKS_AT_MOST));
    let mut values = Values::default();
    values
        .add_column(Kind::Text, blobs.iter().map(|blob| blob.id))
        .add_column(Kind::Number, blobs.iter().map(|blob| blob.len))
        .add_column(Kind::Number, blobs.iter().map(|blob| blob.created))
        .add_column(Kind::Text, first.iter().map(|(blob, _)| *blob))
        .add_column(Kind::Number, first.iter().map(|(_, (start, _))| *start))
        .add_column(
            Kind::Octets,
            first.iter().map(|(_, (_, octets))| octets.clone()),
        );
    let written = INSERT_BLOBS.execute(connection, values).await?;
    let new = written.rows.iter().map(|row| row.try_get::<&str, _>(0));
    let new: HashSet<_> = new.collect::<Result<_, _>>()?;
    let others = others.iter().filter(|(blob, _)| new.contains(blob));
    let others: Vec<_> = others.copied().collect();
    write_chunks(connection, &others).await?;
    Ok(blobs.iter().map(|blob| new.contains(blob.id)).collect())
}

async fn write_chunks(
    connection: &mut Connection,
    chunks: &[ChunkOf<'_>],
) -> Result<(), sqlx::Error> {
    let written = INSERT_CHUNKS.insert(connection, chunks, |(blob, (start, octets)), values| {
        values.add(*blob).add(*start).add(octets.clone());
    });
    written.await?;
    Ok(())
}

impl NewBlob<'_> {
    fn chunks_of(&self) -> impl Iterator<Item = ChunkOf<'_>> {
        self.chunks.iter().map(|chunk| (self.id, chunk))
    }
}
