-- Which daemon leads. The epoch only ever grows: whoever finds a higher one than its own leads no
-- longer. The row stays when a daemon leaves, or a later epoch could be an earlier one again.
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL,
    locked INTEGER NOT NULL, -- whether it holds the lock beside the database as well
    beat INTEGER NOT NULL, -- moves while it lives
    at INTEGER -- when it moved last; NULL: it has left in good order
) STRICT;

DROP TABLE heartbeat;
