-- Null where nobody remembers which request had the key.
ALTER TABLE transactions ADD COLUMN request_digest BLOB;
