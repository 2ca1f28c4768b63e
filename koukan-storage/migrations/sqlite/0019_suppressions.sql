-- Addresses to which a sender sends nothing, since they were found to be bad.
CREATE TABLE suppressions (
    sender TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (sender, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX suppressions_until ON suppressions (until);
