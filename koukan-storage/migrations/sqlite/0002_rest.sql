ALTER TABLE transactions ADD COLUMN sender TEXT;
ALTER TABLE transactions ADD COLUMN idempotency_key TEXT;
-- Null is a message without parts.
ALTER TABLE transactions ADD COLUMN body_kind TEXT;

UPDATE transactions SET sender = json_extract(context, '$.sender') WHERE json_valid(context);

CREATE TABLE parts (
    transaction_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    blob_id TEXT NOT NULL,
    len INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX parts_blob ON parts (blob_id);

CREATE TRIGGER transactions_removed AFTER DELETE ON transactions
WHEN OLD.body_kind IS NOT NULL
BEGIN
    DELETE FROM parts WHERE transaction_id = OLD.id;
END;

CREATE UNIQUE INDEX transactions_keyed ON transactions (sender, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE INDEX transactions_listed ON transactions (sender, created, id);
