//! Where the databases need different SQL.

/// The kind of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "one of them is left")
)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The text for this database.
    pub(crate) fn choose<'t>(self, sqlite: &'t str, postgres: &'t str) -> &'t str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    /// A condition: the column has one of the texts in a list. The list is the parameter `bound`.
    pub(crate) fn is_one_of(self, column: &str, bound: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({bound}))"),
            Self::Postgres => format!("{column} = ANY({bound})"),
        }
    }

    /// A condition: the column has none of the texts in a list.
    pub(crate) fn is_none_of(self, column: &str, bound: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} NOT IN (SELECT \"value\" FROM json_each({bound}))"),
            Self::Postgres => format!("{column} <> ALL({bound})"),
        }
    }

    /// A condition: the column has one of the values that a query returns. The query runs once,
    /// whatever the plan.
    pub(crate) fn is_among(self, column: &str, query: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN ({query})"),
            Self::Postgres => format!("{column} = ANY(ARRAY({query}))"),
        }
    }

    /// The function for the smaller of two values.
    pub(crate) fn least(self) -> &'static str {
        self.choose("min", "least")
    }

    /// The function for the larger of two values.
    pub(crate) fn greatest(self) -> &'static str {
        self.choose("max", "greatest")
    }

    /// The text of a statement, `copies` times. The parameters of each copy follow those of the one
    /// before.
    ///
    /// SQLite executes several statements in one call. PostgreSQL executes one statement whose parts run
    /// together. Its rows have an additional last column that says which copy a row belongs to. A copy
    /// that returns no rows returns one for each row that it changes.
    pub(crate) fn repeated(self, text: &str, copies: usize) -> String {
        match self {
            Self::Sqlite => format!("{text};\n").repeat(copies),
            Self::Postgres if copies == 1 => numbered(text, 0).0,
            Self::Postgres => together(text, copies),
        }
    }
}

fn together(text: &str, copies: usize) -> String {
    let gives_rows = text.starts_with("SELECT") || text.contains(" RETURNING ");
    let returning = if gives_rows { "" } else { " RETURNING 1" };
    let (mut parts, mut rows) = (Vec::new(), Vec::new());
    let mut offset = 0;
    for copy in 0..copies {
        let (part, count) = numbered(text, offset);
        offset += count;
        parts.push(format!("s{copy} AS ({part}{returning})"));
        rows.push(format!("SELECT s{copy}.*, {copy} FROM s{copy}"));
    }
    let (parts, rows) = (parts.join(", "), rows.join(" UNION ALL "));
    format!("WITH {parts} {rows}")
}

/// The text with numbered parameters, counted from `offset`, and the number of parameters.
fn numbered(text: &str, offset: usize) -> (String, usize) {
    let mut numbered = String::with_capacity(text.len() + 16);
    let (mut next, mut count) = (0, 0);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('?') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, after) = after.split_at(digits);
        next += 1;
        let number = digits.parse().unwrap_or(next);
        count = count.max(number);
        numbered.push_str(before);
        numbered.push_str(&format!("${}", offset + number));
        rest = after;
    }
    numbered.push_str(rest);
    (numbered, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_where_that_is_wanted() {
        let sqlite = Dialect::Sqlite.repeated("SELECT ?, ?", 2);
        assert_eq!(sqlite, "SELECT ?, ?;\nSELECT ?, ?;\n");
        let postgres = |text, copies| Dialect::Postgres.repeated(text, copies);
        assert_eq!(postgres("SELECT ?, ?", 1), "SELECT $1, $2");
        assert_eq!(postgres("SELECT ?2, ?1, ?2", 1), "SELECT $2, $1, $2");
        assert_eq!(
            postgres("SELECT ?1, ?1", 2),
            "WITH s0 AS (SELECT $1, $1), s1 AS (SELECT $2, $2) \
             SELECT s0.*, 0 FROM s0 UNION ALL SELECT s1.*, 1 FROM s1"
        );
        assert_eq!(
            postgres("DELETE FROM a WHERE b = ?", 2),
            "WITH s0 AS (DELETE FROM a WHERE b = $1 RETURNING 1), \
             s1 AS (DELETE FROM a WHERE b = $2 RETURNING 1) \
             SELECT s0.*, 0 FROM s0 UNION ALL SELECT s1.*, 1 FROM s1"
        );
    }
}
