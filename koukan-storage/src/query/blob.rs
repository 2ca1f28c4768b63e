//! Blobs and their chunks.

use sea_query::{Expr, ExprTrait, Func, OnConflict, Order, Query};

use super::{
    Statement, bound,
    bulk::{BulkInsert, insert_columns, unnest},
    names,
    schema::{Blobs, Chunks},
    text,
};

/// Writes a blob unless it exists. Binds id, len, created.
pub(crate) static INSERT_BLOB: Statement = Statement::new(|_| insert_blob(true));

/// Begins a growing blob unless it exists. Binds id, len, created.
pub(crate) static CREATE_BLOB: Statement = Statement::new(|_| insert_blob(false));

fn insert_blob(is_finished: bool) -> String {
    let columns = [Blobs::Id, Blobs::Len, Blobs::Created, Blobs::IsFinished];
    let finished = Expr::cust(if is_finished { "TRUE" } else { "FALSE" });
    text(
        Query::insert()
            .into_table(Blobs::Table)
            .columns(columns)
            .values_panic([bound(), bound(), bound(), finished])
            .on_conflict(OnConflict::column(Blobs::Id).do_nothing().to_owned()),
    )
}

/// Lengthens an unfinished blob whose length is `len`. Binds octets, id, len.
pub(crate) static EXTEND_BLOB: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Blobs::Table)
            .value(Blobs::Len, Expr::col(Blobs::Len).add(bound()))
            .and_where(Expr::col(Blobs::Id).eq(bound()))
            .and_where(Expr::col(Blobs::Len).eq(bound()))
            .and_where(Expr::col(Blobs::IsFinished).eq(Expr::cust("FALSE"))),
    )
});

/// Finishes a blob whose length is `len`. Binds id, len.
pub(crate) static FINISH_BLOB: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Blobs::Table)
            .value(Blobs::IsFinished, Expr::cust("TRUE"))
            .and_where(Expr::col(Blobs::Id).eq(bound()))
            .and_where(Expr::col(Blobs::Len).eq(bound())),
    )
});

/// Finds a blob, and keeps it from being removed before the commit. Binds id; gives len,
/// is_finished.
pub(crate) static FIND_BLOB: Statement = Statement::new(|dialect| {
    let found = text(
        Query::select()
            .columns([Blobs::Len, Blobs::IsFinished])
            .from(Blobs::Table)
            .and_where(Expr::col(Blobs::Id).eq(bound())),
    );
    found + dialect.choose("", " FOR KEY SHARE")
});

/// Writes octets of a blob. Binds blob, start, octets.
pub(crate) static INSERT_CHUNKS: BulkInsert = BulkInsert::new(
    CHUNK.len(),
    |rows| {
        let mut insert = Query::insert();
        insert.into_table(Chunks::Table).columns(CHUNK);
        for _ in 0..rows {
            insert.values_panic([bound(), bound(), bound()]);
        }
        text(&insert)
    },
    || insert_columns("chunks", &names(&CHUNK)),
);

const CHUNK: [Chunks; 3] = [Chunks::BlobId, Chunks::Start, Chunks::Octets];

/// Writes blobs that do not exist, with their octets, in PostgreSQL. Binds lists: for blobs id, len, created; for
/// octets blob, start, octets. Gives the ids of the blobs that did not exist.
pub(crate) static INSERT_BLOBS: Statement = Statement::new(|_| {
    let (blobs, octets) = (unnest(3), unnest(CHUNK.len()));
    format!(
        "WITH new AS (INSERT INTO blobs (id, len, created, is_finished) \
         SELECT id, len, created, TRUE FROM {blobs} AS brought (id, len, created) \
         ON CONFLICT (id) DO NOTHING RETURNING id), \
         written AS (INSERT INTO chunks (blob_id, start, octets) \
         SELECT blob_id, start, octets FROM {octets} AS brought (blob_id, start, octets) \
         JOIN new ON new.id = blob_id) SELECT id FROM new"
    )
});

/// Reads finished blobs that consist of a single chunk of at most the given number of octets. Binds
/// identities, octets; gives blob, octets.
pub(crate) static READ_SMALL_BLOBS: Statement = Statement::new(|dialect| {
    let column = |column| Expr::col((Chunks::Table, column));
    let blob = |column| Expr::col((Blobs::Table, column));
    let is_asked_for = dialect.is_one_of(r#""blobs"."id""#, "?");
    // This finds the length without reading the octets.
    let is_whole = Func::cust("length").arg(column(Chunks::Octets));
    text(
        Query::select()
            .columns([
                (Chunks::Table, Chunks::BlobId),
                (Chunks::Table, Chunks::Octets),
            ])
            .from(Blobs::Table)
            .inner_join(
                Chunks::Table,
                column(Chunks::BlobId).equals((Blobs::Table, Blobs::Id)),
            )
            .and_where(Expr::cust(is_asked_for))
            .and_where(blob(Blobs::Len).lte(bound()))
            .and_where(blob(Blobs::IsFinished).eq(Expr::cust("TRUE")))
            .and_where(column(Chunks::Start).eq(Expr::cust("0")))
            .and_where(Expr::from(is_whole).eq(blob(Blobs::Len))),
    )
});

/// Reads chunks of a finished blob that begin at or before an offset, the last first. Binds blob,
/// offset, limit; gives start, octets.
pub(crate) static READ_BLOB: Statement = Statement::new(|_| {
    text(
        Query::select()
            .columns([
                (Chunks::Table, Chunks::Start),
                (Chunks::Table, Chunks::Octets),
            ])
            .from(Chunks::Table)
            .inner_join(
                Blobs::Table,
                Expr::col((Blobs::Table, Blobs::Id)).equals((Chunks::Table, Chunks::BlobId)),
            )
            .and_where(Expr::col((Blobs::Table, Blobs::IsFinished)).eq(Expr::cust("TRUE")))
            .and_where(Expr::col((Chunks::Table, Chunks::BlobId)).eq(bound()))
            .and_where(Expr::col((Chunks::Table, Chunks::Start)).lte(bound()))
            .order_by((Chunks::Table, Chunks::Start), Order::Desc)
            .limit(1),
    )
});
