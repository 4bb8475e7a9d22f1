"""Whether a file that is no database of ours any more may be set aside: a slip in `database:` must
not cost anybody a file."""

from __future__ import annotations

MAGIC = b"SQLite format 3\0"  # what a file of SQLite's begins with
_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})


def is_database(head: bytes) -> bool:
    """Whether a file's first bytes are a database's; an empty file becomes one."""
    return head[: len(MAGIC)] in (MAGIC, b"")


def may_be_set_aside(suffix: str, head: bytes) -> bool:
    """Whether it begins as a database does, or is called like one."""
    return suffix in _SUFFIXES or is_database(head)
