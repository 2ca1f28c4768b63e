-- The host or the domain that all of a transaction goes to; empty where its recipients have several.
ALTER TABLE transactions ADD COLUMN host TEXT NOT NULL DEFAULT '';

-- As far as it can be told here: what stands after the last space of the destination, of what has one
-- recipient or was given a host.
UPDATE transactions
SET host = substr(destination, length(rtrim(destination, replace(destination, ' ', ''))) + 1)
WHERE final_reason IS NULL AND (
    length(forward_paths) - length(replace(forward_paths, char(10), '')) < 3
    OR CASE WHEN json_valid(context) THEN json_extract(context, '$.next_hop') END IS NOT NULL
);

-- Hosts and domains for which no attempt is made.
CREATE TABLE suspensions (
    host TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    suspended_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

DROP INDEX transactions_waiting;
CREATE INDEX transactions_waiting ON transactions (due_at, work, destination, crash_count, host)
    WHERE final_reason IS NULL AND lease_session IS NULL AND held IS NULL;

-- Counts what is queued for each; a lease does not touch it.
CREATE INDEX transactions_bound ON transactions (host, attempted, due_at, work, held, final_reason)
    WHERE final_reason IS NULL;
