-- What has changed about transactions, for whoever reads events; written in the commit of the change.
CREATE TABLE events (
    -- Never that of one that was removed.
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    transaction_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
