//! A transaction that was read.

use std::{borrow::Cow, sync::Arc};

use crate::{
    BoxError,
    database::{Column, Row},
};
use koukan_core::{
    context::Context,
    signals::Carried,
    storage::record::{
        BodyKind, Leased, MessageKey, SessionId, StoredBody, StoredPart, StoredTransaction, Terms,
    },
};

use super::{
    attempt::AttemptRow,
    body::kind_as_str,
    context::ContextRow,
    mail::MailRow,
    malformed::{Malformed, from_json},
    recipient::RecipientRow,
    settlement::LeaseRow,
    status::status,
    time::from_micros,
};

/// A row with the columns of a transaction, which are not decoded yet.
pub(crate) struct StoredRow<'r>(pub(crate) &'r Row);

impl StoredRow<'_> {
    /// Reads the transaction.
    pub(crate) fn transaction(&self) -> Result<StoredTransaction, Malformed> {
        let last_attempt: Option<&str> = self.column("last_attempt")?;
        let last_attempt = last_attempt
            .map(|json| from_json::<AttemptRow<'_>>("last_attempt", json))
            .transpose()?;
        let attempt_count: i64 = self.column("attempt_count")?;
        let (context, signals) = self.json::<ContextRow<'_>, (Context, Carried)>("context")?;
        let send_at = self.column::<Option<i64>>("send_at")?.map(from_micros);
        Ok(StoredTransaction {
            id: self.parse("id")?,
            created: from_micros(self.column("created")?),
            context: Arc::new(context),
            signals: signals.with_send_at(send_at),
            mail: self.json::<MailRow<'_>, _>("mail")?,
            recipients: from_json::<Vec<RecipientRow<'_>>>(
                "recipients",
                self.column("recipients")?,
            )?
            .into_iter()
            .map(|row| understood("recipients", row.try_into()))
            .collect::<Result<_, _>>()?,
            body: self.body()?,
            message_key: self.message_key()?,
            terms: Terms {
                retry: self.column("retry")?,
                notify: self.column("notify")?,
            },
            attempt_count: u32::try_from(attempt_count).unwrap_or(u32::MAX),
            last_attempt: last_attempt
                .map(|row| understood("last_attempt", row.try_into()))
                .transpose()?,
            status: status(
                self.column("due_at")?,
                self.column("work")?,
                self.column("final_reason")?,
            )?,
            held: self.column::<Option<i64>>("held")?.map(from_micros),
            crashes: u32::try_from(self.column::<i64>("crash_count")?).unwrap_or(u32::MAX),
            is_leased: self.column::<Option<&str>>("lease_session")?.is_some(),
        })
    }

    /// Reads the transaction with the fencing token of its lease.
    pub(crate) fn leased(&self) -> Result<Leased, Malformed> {
        let fence: i64 = self.column("lease_fence")?;
        Ok(Leased {
            transaction: self.transaction()?,
            fence: fence.cast_unsigned(),
        })
    }

    /// The text of its identity, which can be read from any row.
    pub(crate) fn id(&self) -> Result<&str, Malformed> {
        self.column("id")
    }

    fn body(&self) -> Result<Option<StoredBody>, Malformed> {
        if self.column::<Option<&str>>("blob_id")?.is_none() {
            return Ok(None);
        }
        let prefix: Option<Vec<u8>> = self.column("prefix")?;
        let len: i64 = self.column("body_len")?;
        Ok(Some(StoredBody {
            prefix: prefix.unwrap_or_default().into(),
            blob: self.parse("blob_id")?,
            len: u64::try_from(len).map_err(|error| Malformed::new("body_len", error))?,
            kind: self.kind()?,
            parts: self.parts()?,
        }))
    }

    fn message_key(&self) -> Result<Option<MessageKey>, Malformed> {
        let text: Option<&str> = self.column("message_key")?;
        let key = text.map(str::parse).transpose();
        key.map_err(|error| Malformed::new("message_key", error))
    }

    fn kind(&self) -> Result<BodyKind, Malformed> {
        let Some(text) = self.column::<Option<&str>>("body_kind")? else {
            return Ok(BodyKind::Message);
        };
        let kind = [BodyKind::Message, BodyKind::Composition]
            .into_iter()
            .find(|kind| kind_as_str(*kind) == text);
        kind.ok_or_else(|| Malformed::new("body_kind", format!("unknown kind {text:?}")))
    }

    fn parts(&self) -> Result<Vec<StoredPart>, Malformed> {
        let Some(json) = self.column::<Option<&str>>("parts")? else {
            return Ok(Vec::new());
        };
        // Position, name, blob, length of each part.
        let mut rows: Vec<(i64, Cow<'_, str>, Cow<'_, str>, u64)> = from_json("parts", json)?;
        rows.sort_unstable_by_key(|row| row.0);
        let parts = rows.into_iter().map(|(_, name, blob, len)| {
            let blob = blob.parse();
            Ok(StoredPart {
                name: name.into(),
                blob: blob.map_err(|error| Malformed::new("parts", error))?,
                len,
            })
        });
        parts.collect()
    }

    /// The lease of a session, if it can be read.
    pub(crate) fn lease(&self, session: SessionId) -> Result<LeaseRow, Malformed> {
        let id: &str = self.column("id")?;
        let fence: i64 = self.column("lease_fence")?;
        Ok(LeaseRow::of_row(id, session, fence))
    }

    fn json<'s, R, T>(&'s self, name: &'static str) -> Result<T, Malformed>
    where
        R: serde::Deserialize<'s>,
        T: TryFrom<R, Error = BoxError>,
    {
        let row: R = from_json(name, self.column(name)?)?;
        understood(name, row.try_into())
    }

    fn parse<T>(&self, name: &'static str) -> Result<T, Malformed>
    where
        T: std::str::FromStr<Err: Into<BoxError>>,
    {
        let text: &str = self.column(name)?;
        text.parse().map_err(|error| Malformed::new(name, error))
    }

    fn column<'s, T: Column<'s>>(&'s self, name: &'static str) -> Result<T, Malformed> {
        self.0
            .try_get(name)
            .map_err(|error| Malformed::new(name, error))
    }
}

fn understood<T>(column: &'static str, value: Result<T, BoxError>) -> Result<T, Malformed> {
    value.map_err(|error| Malformed::new(column, error))
}
