-- What happened once (a top-up, another unit): told beside incidents, gone after a week.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    account TEXT NOT NULL,
    provider TEXT NOT NULL,
    severity TEXT NOT NULL,
    at INTEGER NOT NULL,
    summary TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX notices_at ON notices (at);

-- When the unit of a balance has changed: older samples are of another series. Kept for ever, so
-- that whoever reads the samples knows what they count.
CREATE TABLE series (
    target TEXT NOT NULL,
    since INTEGER NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (target, since)
) STRICT, WITHOUT ROWID;

-- The last top-up of each balance.
CREATE TABLE top_ups (
    target TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    spent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
