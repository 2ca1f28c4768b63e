-- When a transaction is sent at the earliest, where that was said.
ALTER TABLE transactions ADD COLUMN send_at INTEGER;

-- What is searched stands in it, as with the others, and what tells those that wait for that time.
CREATE INDEX transactions_scheduled ON transactions
    (sender, created, id, reverse_path, forward_paths, destination, last_reply, final_reason,
    lease_session, held, send_at, due_at, work, attempt_count)
    WHERE final_reason IS NULL AND send_at IS NOT NULL;
