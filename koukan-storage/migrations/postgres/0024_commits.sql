-- Who has written what last: a connection that was lost while it committed is asked about by this. The number of a
-- transaction of the server would not do, since one that was lost in a crash or a failover is given out again.
CREATE TABLE commits (
    writer TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 20);
