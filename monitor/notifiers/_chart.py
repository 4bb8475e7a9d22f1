"""Draws charts for mails: a program of its own, so that the daemon holds no plotting library.

JSON on stdin, PNG on stdout, each after its length in four bytes, one after the other until stdin
ends; a length of 0 is a drawing that failed. It is started by its path and imports nothing of
`monitor`. The same chart gives the same bytes.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

WIDTH, HEIGHT, DPI = 6.0, 2.9, 200  # inches
SIZE: Final = (1200, 580)  # pixels: twice what is shown
WORDS: Final = 13.0  # points: still 9 px high where a phone shows the picture 300 px wide
LINE, BAND, DANGER, QUIET, INK = "#1849a9", "#84adff", "#b42318", "#667085", "#101828"
NO_LIBRARY: Final = 3  # the exit code where matplotlib cannot be imported
_LINES = (-2, 1, -1, 2, 3)  # places for words under and over their own, in their height
_APART = 4.0  # pixels between words
_LARGEST = 1_000_000  # bytes of one order
_LIMITS = (
    (resource.RLIMIT_AS, 1 << 30),
    (resource.RLIMIT_CPU, 600),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 64),
    (resource.RLIMIT_FSIZE, 16 << 20),  # its cache of fonts
)

Pairs = list[tuple[float, float]]


class Order(TypedDict):
    """A `monitor.core.chart.Chart` as JSON; hours that never come are null."""

    first: float
    last: float
    points: Pairs
    rises: Pairs
    floor: float
    ahead: tuple[float | None, float | None, float | None] | None
    ticks: list[tuple[float, str]]
    title: str
    now_words: str
    floor_words: str
    end_words: str


def draw(order: Order) -> bytes:
    """One chart as a PNG."""
    return _png(figure_of(order))


def figure_of(order: Order) -> Figure:
    """One chart, with everything in it at its place."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="none")
    _card(figure)
    axes = figure.add_axes((0.115, 0.15, 0.855, 0.7), facecolor="none")
    figure.text(0.03, 0.905, order["title"], size=WORDS, color=QUIET, parse_math=False)
    top = _frame(axes, order)
    _forecast(axes, order)
    _past(axes, order)
    _labels(axes, order, top, _Words(figure, axes))
    return figure


def _png(figure: Figure) -> bytes:
    """In 96 colours, which nobody sees and halves the mail; without a time or a version in it."""
    from PIL import Image

    raw, out = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="rgba")
    drawn = Image.frombytes("RGBA", SIZE, raw.getvalue())
    few = drawn.quantize(96, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(out, "PNG", compress_level=6)  # 9 takes three times as long for a twentieth less
    return out.getvalue()


def _card(figure: Figure) -> None:
    """A white card with round corners: it reads the same on a light and on a dark page."""
    from matplotlib.patches import FancyBboxPatch

    card = FancyBboxPatch(
        (0.04, 0.04), WIDTH - 0.08, HEIGHT - 0.08, transform=figure.dpi_scale_trans,
        boxstyle="round,pad=0,rounding_size=0.12", facecolor="white", edgecolor="#d0d5dd",
        zorder=-1,
    )  # fmt: skip
    figure.add_artist(card)


def _frame(axes: Axes, order: Order) -> float:
    """Scale, ticks and the lines behind; gives the upper edge."""
    values = [value for _, value in order["points"]]
    low, high = min(0.0, order["floor"], *values), max(order["floor"], *values)
    top = low + ((high - low) or 1.0) * 1.18
    axes.set_xlim(order["first"], order["last"])
    axes.set_ylim(low, top)
    axes.set_xticks([h for h, _ in order["ticks"]], [words for _, words in order["ticks"]])
    axes.locator_params(axis="y", nbins=3)
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.tick_params(labelsize=WORDS, labelcolor=QUIET, length=0, pad=5)
    axes.grid(axis="y", color="#eaecf0", linewidth=1)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#d0d5dd")
    return top


def _short(value: float) -> str:
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / size:.4g}{letter}"
    return f"{value:.5g}"


def _past(axes: Axes, order: Order) -> None:
    times, values = zip(*order["points"], strict=True)
    axes.step(times, values, where="post", color=LINE, linewidth=2.6)
    axes.plot([0], [values[-1]], "o", color=LINE, markersize=7, clip_on=False)
    if order["floor"]:
        axes.axhline(order["floor"], color=DANGER, linewidth=1.6, linestyle=(0, (1, 1.5)))


def _forecast(axes: Axes, order: Order) -> None:
    """The band from P10 to P90, P50 dashed in it, and a cross where that meets the floor."""
    axes.axvline(0, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    if order["ahead"] is None:
        return
    start, floor, last = order["points"][-1][1], order["floor"], order["last"]
    soon, middle, late = order["ahead"]
    times = sorted({0.0, last, *(h for h in order["ahead"] if h is not None and h < last)})
    lower = [_course(start, floor, soon, h) for h in times]
    upper = [_course(start, floor, late, h) for h in times]
    axes.fill_between(times, lower, upper, color=BAND, alpha=0.45, linewidth=0)
    axes.plot(times, upper, color=BAND, linewidth=1)
    axes.plot(times, lower, color=BAND, linewidth=1)
    likely = [_course(start, floor, middle, h) for h in times]
    axes.plot(times, likely, color=LINE, linewidth=2, linestyle=(0, (3, 2)))
    if middle is not None and middle <= last:
        axes.plot([middle], [floor], "X", color=DANGER, markersize=10, clip_on=False, zorder=5)


def _course(start: float, floor: float, end: float | None, hours: float) -> float:
    """Straight from the present balance to the floor, which is reached after `end` hours."""
    return start if end is None else start + (floor - start) * min(1.0, hours / end)


def _labels(axes: Axes, order: Order, top: float, words: _Words) -> None:
    """Words where they belong, in front of all lines, none over another; the gravest first."""
    first, last, now = order["first"], order["last"], order["points"][-1][1]
    gap, floor, say = (last - first) * 0.015, order["floor"], words.say
    say(gap, min(now + top * 0.05, top * 0.9), order["now_words"], LINE)
    middle = order["ahead"][1] if order["ahead"] else None
    if middle is not None and middle <= last and order["end_words"]:
        half = (last - first) * 0.011 * len(order["end_words"])
        at = max(min(middle + half + gap, last - half), half + gap)
        say(at, floor + top * 0.08, order["end_words"], DANGER, "center")
    if order["floor_words"]:
        say(first + gap, floor + top * 0.03, order["floor_words"], DANGER)
    for hours, by in sorted(order["rises"], key=lambda rise: -rise[1]):
        height = max(v for h, v in order["points"] if abs(h - hours) < 1e-6)
        axes.plot([hours], [height], "^", color=LINE, markersize=9, zorder=5)
        risen = f"+{_short(round(by, 2 if by < 100 else 0))}"
        side = "right" if hours > first * 0.25 else "left"
        say(hours, min(height + top * 0.04, top * 0.93), risen, LINE, side)


class _Words:
    """The words of one drawing: where they would cover others they move, or are left out."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self._axes = axes
        self._renderer: RendererBase = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        self._taken: list[Bbox] = []

    def say(self, x: float, y: float, words: str, ink: str, side: str = "left") -> None:
        from matplotlib.patheffects import withStroke

        halo = withStroke(linewidth=4, foreground="white")
        text = self._axes.text(
            x, y, words, color=ink, ha=side, size=WORDS, weight="bold", parse_math=False,
            path_effects=[halo], zorder=6,
        )  # fmt: skip
        box = text.get_window_extent(self._renderer)
        place = next((b for b in self._places(box) if self._is_free(b)), None)
        if place is None:
            text.remove()
            return
        corner = self._axes.transData.transform((x, y)) + (place.p0 - box.p0)
        text.set_position(tuple(self._axes.transData.inverted().transform(corner)))
        self._taken.append(place)

    def _places(self, box: Bbox) -> Iterator[Bbox]:
        """Where it is wanted, beside what is there, under it, over it; none outside."""
        inside = self._axes.bbox
        box = box.translated(min(0.0, inside.x1 - box.x1), 0)
        beside = max((t.x1 for t in self._taken if t.overlaps(box)), default=box.x0) - box.x0
        steps = ((0, 0), (beside + box.height / 2, 0), *((0, n * box.height) for n in _LINES))
        for right, up in steps:
            moved = box.translated(right, up)
            if moved.x1 <= inside.x1 + 1 and moved.y0 >= inside.y0 and moved.y1 <= inside.y1:
                yield moved

    def _is_free(self, box: Bbox) -> bool:
        return not any(taken.padded(_APART).overlaps(box) for taken in self._taken)


# -- the program --------------------------------------------------------------------------------


def main() -> int:
    """Draw until stdin ends."""
    _bound()
    try:
        import matplotlib as mpl
        import matplotlib.figure
    except ImportError:
        return NO_LIBRARY
    mpl.rcdefaults()  # whatever a file of the user's says
    while (order := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, _drawn(order))
    return 0


def _bound() -> None:
    """No more of the machine than a drawing needs; less where less is allowed anyway."""
    for what, most in _LIMITS:
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _drawn(order: bytes) -> bytes:
    try:
        return draw(json.loads(order))
    except Exception:  # noqa: BLE001 - the mail goes without: an empty answer says so at once
        return b""


def _read(source: BinaryIO) -> bytes | None:
    size = int.from_bytes(source.read(4), "big")
    return source.read(size) if 0 < size <= _LARGEST else None


def _write(sink: BinaryIO, drawn: bytes) -> None:
    sink.write(len(drawn).to_bytes(4, "big") + drawn)
    sink.flush()


if __name__ == "__main__":
    sys.exit(main())
