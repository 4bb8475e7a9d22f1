"""The garbage collector while a command starts and ends: what is imported is never garbage.

It searches all there is again and again while modules come in, and once more as the interpreter
ends. Of a short command that is a fifth of its time, and finds nothing.
"""

from __future__ import annotations

import gc

_RARELY = 200_000  # objects more than before, until it is searched; a start makes half of that
_USUAL = gc.get_threshold()


def start() -> None:
    """A command begins: search rarely."""
    gc.set_threshold(_RARELY)


def stay() -> None:
    """All is imported, and the process lives on: search as usual, but not what is there by now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUAL)


def end() -> None:
    """The process ends, and its memory with it: nothing is worth a search."""
    gc.freeze()
