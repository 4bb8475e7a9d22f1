-- What applications report. Rows are whole, not differences: a repeat of a batch changes nothing.
-- Without an index on time: they are written with every report, and deleted by it once an hour.

CREATE TABLE used (
    account TEXT NOT NULL,
    quota TEXT NOT NULL,
    at INTEGER NOT NULL, -- the begin of a minute
    used TEXT NOT NULL,
    PRIMARY KEY (account, quota, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_reported (
    account TEXT NOT NULL,
    job TEXT NOT NULL,
    at INTEGER NOT NULL, -- the begin of an hour
    count INTEGER NOT NULL,
    credits TEXT,
    PRIMARY KEY (account, job, at)
) STRICT, WITHOUT ROWID;

-- Requests that have been counted, by a digest of their id.
CREATE TABLE reports (
    account TEXT NOT NULL,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;
