-- What was tried, and what came of it; one row an attempt. Those of a transaction go with it.
CREATE TABLE attempts (
    transaction_id TEXT NOT NULL,
    -- The first is 1.
    number INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    host TEXT,
    address TEXT,
    outcome TEXT NOT NULL,
    PRIMARY KEY (transaction_id, number)
) STRICT, WITHOUT ROWID;

-- Of earlier attempts only the last was kept.
INSERT INTO attempts
SELECT
    id,
    max(attempt_count, 1),
    coalesce(
        CASE WHEN json_valid(last_attempt) THEN
            CAST(json_extract(last_attempt, '$.started') AS INTEGER) END,
        created
    ),
    coalesce(
        CASE WHEN json_valid(last_attempt) THEN
            CAST(json_extract(last_attempt, '$.ended') AS INTEGER) END,
        created
    ),
    CASE WHEN json_valid(last_attempt) THEN
        CAST(json_extract(last_attempt, '$.remote.host') AS TEXT) END,
    CASE WHEN json_valid(last_attempt) THEN
        CAST(json_extract(last_attempt, '$.remote.address') AS TEXT) END,
    last_attempt
FROM transactions
WHERE last_attempt IS NOT NULL;

UPDATE transactions SET attempt_count = 1 WHERE last_attempt IS NOT NULL AND attempt_count < 1;

CREATE TRIGGER transactions_attempted_removed AFTER DELETE ON transactions
WHEN OLD.attempt_count > 0
BEGIN
    DELETE FROM attempts WHERE transaction_id = OLD.id;
END;

-- What is searched of an envelope and of what became of it, in lower case.
ALTER TABLE transactions ADD COLUMN reverse_path TEXT NOT NULL DEFAULT '';
-- Each between two line feeds.
ALTER TABLE transactions ADD COLUMN forward_paths TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN last_reply TEXT;
-- When the last attempt ended.
ALTER TABLE transactions ADD COLUMN attempted INTEGER;

-- As far as it can be told here.
UPDATE transactions SET
    reverse_path = coalesce(
        CASE WHEN json_valid(mail) THEN lower(json_extract(mail, '$.reverse_path')) END,
        ''
    ),
    forward_paths = coalesce(
        CASE WHEN json_valid(recipients) THEN (
            SELECT char(10) || group_concat(
                lower(json_extract(recipient.value, '$.forward_path')) || char(10), ''
            )
            FROM json_each(recipients) AS recipient
            WHERE recipient.type = 'object'
        ) END,
        ''
    ),
    last_reply = CASE WHEN json_valid(last_attempt) THEN (
        SELECT lower(
            json_extract(reply.value, '$.code') || ' '
            || coalesce(json_extract(reply.value, '$.enhanced') || ' ', '')
            || coalesce(json_extract(reply.value, '$.text'), '')
        )
        FROM (
            SELECT value FROM (
                SELECT value FROM json_each(last_attempt, '$.recipient_replies')
                WHERE type = 'object' AND json_extract(value, '$.code') >= 400
                LIMIT 1
            )
            UNION ALL
            SELECT json_extract(last_attempt, '$.final_reply')
        ) AS reply
        WHERE json_valid(reply.value)
        LIMIT 1
    ) END,
    attempted = (
        SELECT ended FROM attempts
        WHERE transaction_id = transactions.id AND number = transactions.attempt_count
    );

ALTER TABLE transactions DROP COLUMN last_attempt;

-- What became of transactions that were never committed: most were delivered at once.
CREATE TABLE summaries (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    sender TEXT,
    context TEXT NOT NULL,
    mail TEXT NOT NULL,
    recipients TEXT NOT NULL,
    attempt_count INTEGER NOT NULL,
    last_attempt TEXT,
    final_reason TEXT NOT NULL,
    final_since INTEGER NOT NULL,
    destination TEXT NOT NULL,
    reverse_path TEXT NOT NULL,
    forward_paths TEXT NOT NULL,
    last_reply TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO summaries
SELECT
    id, created, sender, context, mail, recipients, attempt_count,
    (SELECT outcome FROM attempts
        WHERE transaction_id = transactions.id AND number = transactions.attempt_count),
    final_reason, coalesce(final_since, created), destination, reverse_path, forward_paths,
    last_reply
FROM transactions
WHERE final_reason IS NOT NULL AND blob_id IS NULL AND lease_fence = 0
    AND idempotency_key IS NULL AND attempt_count < 2;

DELETE FROM transactions WHERE id IN (SELECT id FROM summaries);

CREATE INDEX summaries_finished ON summaries (final_since);

CREATE INDEX summaries_listed ON summaries
    (sender, created, id, reverse_path, forward_paths, destination, last_reply);

-- Lists, by what is to happen. What is searched stands in them, so that what is passed over is not
-- read. What is under lease is little beside the others.
DROP INDEX transactions_listed;

CREATE INDEX transactions_queued ON transactions
    (sender, created, id, reverse_path, forward_paths, destination, last_reply, attempted,
    final_reason, lease_session)
    WHERE final_reason IS NULL AND lease_session IS NULL;

CREATE INDEX transactions_over ON transactions
    (sender, created, id, reverse_path, forward_paths, destination, last_reply, final_reason)
    WHERE final_reason IS NOT NULL;
