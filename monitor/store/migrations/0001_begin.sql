-- Times are microseconds since 1970 in UTC; money is text, because a Decimal is exact.

CREATE TABLE targets (
    target TEXT PRIMARY KEY,
    last_success INTEGER,
    failures INTEGER NOT NULL,
    streak INTEGER NOT NULL,
    balance TEXT,
    unit TEXT,
    -- the last finished probe; all NULL where there was none
    read_at INTEGER,
    duration REAL,
    cause TEXT,
    summary TEXT,
    read_balance TEXT,
    read_unit TEXT,
    quotas TEXT,
    retry_after REAL,
    warning INTEGER,
    facts TEXT,
    evidence TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
    target TEXT NOT NULL,
    at INTEGER NOT NULL,
    balance TEXT,
    PRIMARY KEY (target, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    target TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;

CREATE TABLE alerts (
    rule TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER,
    breaches INTEGER NOT NULL,
    evidence_at INTEGER,
    clear_since INTEGER,
    incident TEXT,
    severity TEXT NOT NULL,
    cause TEXT NOT NULL,
    summary TEXT NOT NULL,
    PRIMARY KEY (rule, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    alert TEXT NOT NULL,
    target TEXT NOT NULL,
    account TEXT NOT NULL,
    provider TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    opening_severity TEXT NOT NULL,
    opening_cause TEXT NOT NULL,
    severity TEXT NOT NULL,
    cause TEXT NOT NULL,
    summary TEXT NOT NULL,
    closed_at INTEGER,
    close_reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX incidents_closed_at ON incidents (closed_at);

-- Beside the incidents, not in them: a daemon that rewrites an incident must not wipe out an
-- acknowledgement which another process has put there meanwhile.
CREATE TABLE acks (
    incident TEXT PRIMARY KEY REFERENCES incidents (id) ON DELETE CASCADE,
    by TEXT NOT NULL,
    comment TEXT NOT NULL,
    at INTEGER NOT NULL,
    severity TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- No reference to incidents: digests and notices are told beside them.
CREATE TABLE told (
    incident TEXT NOT NULL,
    kind TEXT NOT NULL,
    round INTEGER NOT NULL,
    receiver TEXT NOT NULL,
    address TEXT NOT NULL,
    at INTEGER NOT NULL,
    severity TEXT NOT NULL,
    PRIMARY KEY (incident, kind, round, receiver, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    targets TEXT NOT NULL,
    alert TEXT,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE heartbeat (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
) STRICT;
