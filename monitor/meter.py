"""How much of an answer is taken off the wire, whatever it is made of.

A parser takes interim answers, chunk extensions and headers for as long as they come, and only the
body they carry is counted by whoever reads it. So bytes are counted where they arrive.
"""

from __future__ import annotations

HEAD = 16 * 1024  # bytes of headers, and of interim answers before them: servers send under 8 KiB
INTERIM = 16  # answers before the one that counts: 100 Continue, 103 Early Hints
SLICE = 16 * 1024  # bytes parsed before others have their turn
_BEGINS = b"\r\nHTTP/1."  # another answer behind one without a body; no body of JSON holds it


class Meter:
    """What one exchange may still take; `cap` is what its body may have."""

    def __init__(self, cap: int) -> None:
        self._left, self._body, self._interim = HEAD, cap, INTERIM

    def headed(self) -> None:
        """The headers are complete: from here on the body comes, and what wraps its pieces."""
        self._left += 2 * self._body

    def take(self, data: bytes) -> None:
        """Count what has come. Raises ValueError where it is too much."""
        self._left -= len(data)
        self._interim -= data.count(_BEGINS)
        # The slice with which the headers ended may hold body as well.
        if self._interim < 0 or self._left < -SLICE:
            raise ValueError("more came than any answer has")
