-- How far those have come who read all events, and are started with the agent.
CREATE TABLE cursors (
    name TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
