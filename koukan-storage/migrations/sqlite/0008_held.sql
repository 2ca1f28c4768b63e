-- Since when no attempt is made, where somebody holds it back; only where the work is an attempt.
ALTER TABLE transactions ADD COLUMN held INTEGER;

DROP INDEX transactions_waiting;
CREATE INDEX transactions_waiting ON transactions (due_at, work, destination, crash_count)
    WHERE final_reason IS NULL AND lease_session IS NULL AND held IS NULL;

-- What is searched stands in it, as with the others.
CREATE INDEX transactions_held ON transactions
    (sender, created, id, reverse_path, forward_paths, destination, last_reply, final_reason,
    lease_session, held)
    WHERE final_reason IS NULL AND held IS NOT NULL;
