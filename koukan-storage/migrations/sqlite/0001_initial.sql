CREATE TABLE blobs (
    id TEXT NOT NULL PRIMARY KEY,
    len INTEGER NOT NULL,
    is_finished INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    blob_id TEXT NOT NULL,
    start INTEGER NOT NULL,
    octets BLOB NOT NULL,
    PRIMARY KEY (blob_id, start)
) STRICT;

CREATE TABLE transactions (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    context TEXT NOT NULL,
    mail TEXT NOT NULL,
    recipients TEXT NOT NULL,
    prefix BLOB,
    blob_id TEXT,
    body_len INTEGER,
    retry INTEGER NOT NULL,
    notify INTEGER NOT NULL,
    attempt_count INTEGER NOT NULL,
    last_attempt TEXT,
    crash_count INTEGER NOT NULL,
    due_at INTEGER,
    work TEXT,
    final_reason TEXT,
    final_since INTEGER,
    lease_session TEXT,
    lease_fence INTEGER NOT NULL
) STRICT;

CREATE INDEX transactions_waiting ON transactions (due_at)
    WHERE final_reason IS NULL AND lease_session IS NULL;

CREATE INDEX transactions_leased ON transactions (lease_session)
    WHERE lease_session IS NOT NULL;

CREATE INDEX transactions_finished ON transactions (final_since)
    WHERE final_reason IS NOT NULL;

CREATE INDEX transactions_unfinished_blob ON transactions (blob_id)
    WHERE final_reason IS NULL;
