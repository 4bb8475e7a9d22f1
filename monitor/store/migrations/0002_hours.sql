-- What each hour made of a balance: it stays when the single samples have gone.

CREATE TABLE hours (
    target TEXT NOT NULL,
    at INTEGER NOT NULL, -- its begin
    samples INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    low TEXT,
    high TEXT,
    last TEXT,
    spent TEXT NOT NULL,
    refunded TEXT NOT NULL,
    topped_up TEXT NOT NULL,
    adjusted TEXT NOT NULL,
    PRIMARY KEY (target, at)
) STRICT, WITHOUT ROWID;

-- Targets whose samples were kept before there were hours: these are made of them once.
CREATE TABLE unfilled (
    target TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- One step of the index for each target; DISTINCT would read every sample there is.
INSERT INTO unfilled
WITH RECURSIVE found (target) AS (
    SELECT min(target) FROM samples
    UNION ALL
    SELECT (SELECT min(target) FROM samples WHERE target > found.target) FROM found
    WHERE found.target IS NOT NULL
)
SELECT target FROM found WHERE target IS NOT NULL;
