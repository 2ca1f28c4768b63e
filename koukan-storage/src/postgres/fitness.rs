//! Whether a database will do for an agent, before anything is written.

use sqlx::{PgConnection, Row as _, postgres::PgRow};

use crate::schema::Schema;

use super::{PostgresError, PostgresOptions};

/// Tables that every version has.
const TABLES: &[&str] = &["transactions", "attempts", "blobs", "chunks", "sessions"];

/// Encodings of a database that keep all characters.
const ENCODINGS: [&str; 2] = ["UTF8", "SQL_ASCII"];

/// What the server says of itself and of this program's user. A user or schema is quoted where SQL needs that.
const CIRCUMSTANCES: &str = "SELECT \
     pg_is_in_recovery() AS is_standby, \
     current_setting('transaction_read_only') = 'on' AS is_read_only, \
     quote_ident(current_user) AS role, \
     quote_ident(current_schema()) AS schema, \
     current_setting('search_path') AS search_path, \
     current_setting('server_encoding') AS encoding, \
     coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS may_create";

/// A table that this user may not use, and whether its user may change it.
const TABLE: &str = "SELECT quote_ident(relname) AS name, \
     pg_has_role(relowner, 'USAGE') AS is_own, \
     has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
     AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE') AS may_write \
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
     WHERE nspname = current_schema() AND relkind = 'r' AND relname = ANY($1) \
     ORDER BY may_write, is_own LIMIT 1";

/// How many connections the user, the database and the server allow. A superuser's are limited by the server alone.
const LIMITS: &str = "SELECT quote_ident(current_user) AS role, \
     quote_ident(current_database()) AS database, \
     CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END AS of_role, \
     CASE WHEN rolsuper THEN -1 ELSE datconnlimit END AS of_database, \
     CAST(current_setting('max_connections') AS INTEGER) \
     - CASE WHEN rolsuper THEN 0 ELSE CAST(current_setting('superuser_reserved_connections') AS INTEGER) END \
     AS of_server \
     FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()";

/// Checks that the database takes writes, and that this program's user may make them, and bring the schema up to
/// date if it is not.
pub(super) async fn check(
    name: &str,
    connection: &mut PgConnection,
    schema: &Schema,
) -> Result<(), PostgresError> {
    let failed = |error: sqlx::Error| super::open::failed(name, error.into());
    let found = sqlx::query(CIRCUMSTANCES).fetch_one(&mut *connection).await;
    let fault = circumstances(&found.map_err(failed)?, schema).map_err(failed)?;
    let fault = match fault {
        Some(fault) => Some(fault),
        None => {
            let table = sqlx::query(TABLE).bind(TABLES);
            let table = table.fetch_optional(connection).await.map_err(failed)?;
            let fault = table.map(|table| table_fault(&table, schema)).transpose();
            fault.map_err(failed)?.flatten()
        }
    };
    fault.map_or(Ok(()), |(what, help)| {
        Err(PostgresError::Unfit {
            name: name.to_owned(),
            what,
            help,
        })
    })
}

/// Checks that all connections may be made that these options ask for.
pub(super) async fn check_connections(
    options: &PostgresOptions,
    connection: &mut PgConnection,
) -> Result<(), PostgresError> {
    let failed = |error: sqlx::Error| super::open::failed(&options.name(), error.into());
    let limits = sqlx::query(LIMITS).fetch_one(connection).await;
    let limits = limits.and_then(|row| connection_limit(&row));
    let (limit, of, way) = limits.map_err(failed)?;
    let wanted = options.connections;
    if i64::from(limit) >= i64::from(wanted) {
        return Ok(());
    }
    Err(PostgresError::FewConnections {
        name: options.name(),
        of,
        limit: limit.unsigned_abs(),
        wanted,
        help: format!("{way} {wanted}"),
    })
}

/// What is in the way, and what to do.
type Fault = (String, String);

fn circumstances(found: &PgRow, schema: &Schema) -> Result<Option<Fault>, sqlx::Error> {
    let role: String = found.try_get("role")?;
    if found.try_get("is_standby")? {
        let what = "its server is a standby, which takes no writes";
        let help = "name the primary server, or promote this one";
        return Ok(Some((what.into(), help.into())));
    }
    if found.try_get("is_read_only")? {
        let what = "its transactions are read-only (`default_transaction_read_only`)";
        let help = format!(
            "`ALTER ROLE {role} SET default_transaction_read_only = off`, or the same of the database or the server"
        );
        return Ok(Some((what.into(), help)));
    }
    let encoding: String = found.try_get("encoding")?;
    if !ENCODINGS.contains(&&*encoding) {
        let what = format!("its encoding {encoding} lacks characters that mail may contain");
        let help = "make another one: `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`";
        return Ok(Some((what, help.into())));
    }
    let Some(place) = found.try_get::<Option<String>, _>("schema")? else {
        let path: String = found.try_get("search_path")?;
        let what =
            format!("there is no schema of its search path ({path}) that user {role} may use");
        let help = format!(
            "`CREATE SCHEMA … AUTHORIZATION {role}`, or `ALTER ROLE {role} SET search_path = …`"
        );
        return Ok(Some((what, help)));
    };
    let is_due = schema.pending().next().is_some();
    if is_due && !found.try_get::<bool, _>("may_create")? {
        let what = format!("user {role} may not create tables in schema {place}");
        return Ok(Some((
            what,
            format!("`GRANT CREATE ON SCHEMA {place} TO {role}`"),
        )));
    }
    Ok(None)
}

fn table_fault(table: &PgRow, schema: &Schema) -> Result<Option<Fault>, sqlx::Error> {
    let table_name: String = table.try_get("name")?;
    if !table.try_get::<bool, _>("may_write")? {
        let what = format!("its user may not read and write table {table_name}");
        let help = "`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … TO …`, as the owner of the tables";
        return Ok(Some((what, help.into())));
    }
    let is_due = schema.pending().next().is_some();
    if is_due && !table.try_get::<bool, _>("is_own")? {
        let what = format!(
            "its schema must be brought up to date, and its user does not own table {table_name}"
        );
        let help = "run `koukan migrate --apply` once as the user that owns the tables";
        return Ok(Some((what, help.into())));
    }
    Ok(None)
}

/// The smallest limit of connections, what has it, and how to raise it.
fn connection_limit(row: &PgRow) -> Result<(i32, String, String), sqlx::Error> {
    let (role, database): (String, String) = (row.try_get("role")?, row.try_get("database")?);
    let limits: [(i32, String, String); 3] = [
        (
            row.try_get("of_role")?,
            format!("user {role}"),
            format!("write fewer `connections`, or `ALTER ROLE {role} CONNECTION LIMIT` at least"),
        ),
        (
            row.try_get("of_database")?,
            format!("database {database}"),
            format!(
                "write fewer `connections`, or `ALTER DATABASE {database} CONNECTION LIMIT` at least"
            ),
        ),
        (
            row.try_get("of_server")?,
            "the server".to_owned(),
            "write fewer `connections`, or raise `max_connections` of the server, to more than"
                .to_owned(),
        ),
    ];
    let there = limits.into_iter().filter(|(limit, ..)| *limit >= 0);
    there
        .min_by_key(|(limit, ..)| *limit)
        .ok_or(sqlx::Error::RowNotFound)
}
