-- Which session reads events under a name, of all that might.
CREATE TABLE readers (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL
);
