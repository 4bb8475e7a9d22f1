"""Draws what the dashboards' queries give for the demo's day: `make pictures`.

No Grafana runs here. The demo is recorded, a real Prometheus answers the queries of the JSON in
grafana/, and each panel is drawn at its place of the grid. Needs matplotlib
and prometheus (`apt-get install --no-install-recommends prometheus`).
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from grafana.recording import Prometheus, Recording, missing, replaying, told  # noqa: E402
from monitor import logs  # noqa: E402

try:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.patches import FancyBboxPatch, Rectangle
    from matplotlib.ticker import MaxNLocator
except ImportError:
    sys.exit("matplotlib is missing: .venv/bin/python -m pip install matplotlib")

IMAGES = Path(__file__).parent / "images"
BOARDS = ("overview", "account")
Json = dict[str, Any]

# Grafana's dark theme.
PAGE, PANEL, EDGE, TEXT, FAINT = "#111217", "#181b1f", "#25272e", "#d2d3dc", "#8e8f9a"
COLOURS = {
    "green": "#56a64b", "orange": "#ff9830", "red": "#e02f44", "blue": "#3274d9",
    "semi-dark-blue": "#3274d9", "transparent": PANEL,
}  # fmt: skip
PALETTE = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9")
CELL, ROW = 0.62, 0.36  # inches of a column and of a row of the grid
GAP = 0.06
HOURS, STAIRS = 3600.0, "steps-post"
WIDE = {"subject": 3.0, "target": 3.2, "alert": 1.5}  # columns of tables


@dataclass(frozen=True, slots=True)
class Answers:
    """What a Prometheus says to the panels of one account."""

    prometheus: Prometheus
    recording: Recording
    board: Json
    account: str
    now: float

    def fill(self, text: str) -> str:
        """A text as Grafana fills it."""
        values = {
            "${ahead}": "7200", "$ahead": "7200", "$__rate_interval": "20m", "$__interval": "120s",
            "$account": self.account, "$provider": ".+", "$instance": ".+", "$job": ".+",
        }  # fmt: skip
        for variable, value in values.items():
            text = text.replace(variable, value)
        return text

    def span(self, panel: Json) -> tuple[float, float, float]:
        """From, to and step of a panel."""
        if panel.get("timeFrom"):
            return self.now, self.now + 48 * HOURS, 1800.0
        return self.recording.start, self.now, 120.0

    def lines(self, panel: Json) -> list[tuple[str, list[float], list[float]]]:
        """Name, times and values of each series of a panel."""
        since, until, step = self.span(panel)
        found = []
        for target in panel["targets"]:
            expr = self.fill(target["expr"].replace("$__interval", f"{step:.0f}s"))
            for series in self.prometheus.series(expr, at=until, since=since, step=step):
                pairs: Any = series["values"]
                name = legend(target["legendFormat"], series["metric"])
                found.append((name, *unzip(gapped(pairs, step))))
        return found

    def values(self, panel: Json) -> list[list[tuple[Json, float]]]:
        """Of each query of a panel its series and their present values."""
        found = []
        for target in panel["targets"]:
            said: Any = self.prometheus.series(self.fill(target["expr"]), at=self.now)
            found.append([(one["metric"], float(one["value"][1])) for one in said])
        return found


def unzip(pairs: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Times and values."""
    both = list(pairs)
    return [t for t, _ in both], [v for _, v in both]


def gapped(pairs: Iterable[tuple[float, str]], step: float) -> Iterable[tuple[float, float]]:
    """The values, with a hole where nothing was read."""
    before = None
    for at, value in pairs:
        if before is not None and at - before > 1.5 * step:
            yield at - step, math.nan
        yield at, float(value)
        before = at


def legend(form: str, metric: Any) -> str:
    """`{{label}}` as Grafana fills it."""
    for label, value in metric.items():
        form = form.replace("{{" + label + "}}", value)
    return form


# -- words and colours ----------------------------------------------------------------------


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A number in Grafana's words for its unit."""
    if unit == "s":
        return seconds(value, decimals)
    if unit == "percentunit":
        return f"{100 * value:.0f}%"
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if decimals is None:
        decimals = 0 if value == round(value) else 1
    if abs(value) >= 10_000:
        return f"{value / 1000:.1f} K"
    return f"{value:.{decimals}f}"


def seconds(value: float, decimals: int | None) -> str:
    """A duration in its largest unit."""
    for size, name in ((604800, "weeks"), (86400, "days"), (3600, "hours"), (60, "mins")):
        if value >= size:
            count = f"{value / size:.{1 if decimals is None else decimals}f}"
            return f"{count} {name.removesuffix('s') if count == '1' else name}"
    return f"{value:.1f} s" if value else "0 s"


def ago(value: float, now: float) -> str:
    """A time in milliseconds as a distance from now."""
    passed = now - value / 1000
    for size, name in ((3600, "hour"), (60, "minute")):
        if passed >= size:
            count = round(passed / size)
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "just now"


def mapped(mappings: Iterable[Json], value: float | str) -> tuple[str, str] | None:
    """The words and the colour that a mapping has for a value."""
    plain = f"{value:.0f}" if isinstance(value, float) else value
    for mapping in mappings:
        options = mapping["options"]
        if mapping["type"] == "value" and plain in options:
            return options[plain]["text"], colour(options[plain].get("color"))
        ranged = mapping["type"] == "range" and isinstance(value, float)
        if ranged and options["from"] <= value <= options["to"]:
            return options["result"]["text"], colour(options["result"].get("color"))
    return None


def colour(name: str | None) -> str:
    """A colour of Grafana's by its name."""
    return COLOURS.get(name or "", name or TEXT)


def graded(steps: Iterable[Json], value: float) -> str:
    """The colour of the highest threshold that the value has reached."""
    reached = [s["color"] for s in steps if s["value"] is None or value >= s["value"]]
    return colour(reached[-1])


def overridden(panel: Json, name: str) -> Json:
    """What a panel says of one series or column of its own."""
    for override in panel["fieldConfig"].get("overrides", ()):
        if override["matcher"]["options"] == name:
            return {p["id"]: p.get("value") for p in override["properties"]}
    return {}


# -- panels ---------------------------------------------------------------------------------


def draw_stat(axes: Axes, panel: Json, answers: Answers) -> None:
    """Coloured fields side by side."""
    defaults = panel["fieldConfig"]["defaults"]
    mode = panel["options"]["textMode"]
    named = mode == "value_and_name"
    fields = [
        (legend(target["legendFormat"], metric), value)
        for target, series in zip(panel["targets"], answers.values(panel), strict=True)
        for metric, value in series
    ]
    for i, (name, value) in enumerate(fields):
        words = mapped(defaults.get("mappings", ()), value)
        text, back = words or (
            shown(value, defaults.get("unit", ""), defaults.get("decimals")),
            graded(defaults["thresholds"]["steps"], value),
        )
        text = name if mode == "name" else text
        left, width = i / len(fields), 1 / len(fields)
        field = Rectangle((left + 0.008, 0.04), width - 0.016, 0.92, color=back, lw=0)
        axes.add_patch(field)
        middle = left + width / 2
        if named:
            axes.text(middle, 0.72, name, ha="center", va="center", color="white", size=8.5)
        room = 80 * width * panel["gridPos"]["w"] * CELL / len(text)
        axes.text(middle, 0.36 if named else 0.5, text, ha="center", va="center", color="white",
                  size=min(15 if named else 19, room), weight="bold")  # fmt: skip
    if not fields:
        axes.text(0.5, 0.5, defaults["noValue"], ha="center", va="center", color=FAINT, size=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.axis("off")


def draw_lines(axes: Axes, panel: Json, answers: Answers) -> None:
    """Series over time, the bands between them, thresholds."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    found = answers.lines(panel)
    by_name = {name: (times, values) for name, times, values in found}
    bars = custom.get("drawStyle") == "bars"
    for i, (name, times, values) in enumerate(found):
        own = overridden(panel, name)
        shade = own.get("color") or defaults.get("color") or {}
        tint = colour(shade.get("fixedColor")) if shade.get("fixedColor") else PALETTE[i % 7]
        x = [datetime.fromtimestamp(t, UTC) for t in times]
        if bars:
            axes.bar(x, values, width=0.008, color=tint, label=name)
            continue
        dashed = (own.get("custom.lineStyle") or {}).get("fill") == "dash"
        axes.plot(x, values, color=tint, lw=0.8 * own.get("custom.lineWidth", 2), label=name,
                  ls="--" if dashed else "-",
                  drawstyle=STAIRS if custom.get("lineInterpolation") else "default")  # fmt: skip
        below = by_name.get(own.get("custom.fillBelowTo") or "")
        if below is not None:
            low = dict(zip(*below, strict=True))
            edge = [low.get(t, math.nan) for t in times]
            axes.fill_between(x, edge, values, color=tint, alpha=0.18, lw=0)
    finish(axes, panel, answers, empty=not found)


def finish(axes: Axes, panel: Json, answers: Answers, *, empty: bool) -> None:
    """Axes, grid, legend, marks."""
    custom = panel["fieldConfig"]["defaults"]["custom"]
    since, until, _ = answers.span(panel)
    axes.set_xlim(datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=4, maxticks=9))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M", tz=UTC))
    if empty:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color=FAINT, size=9)
        axes.set_yticks([])
    if custom.get("scaleDistribution", {}).get("type") == "log" and not empty:
        axes.set_yscale("log")
    elif not empty:
        axes.set_ylim(bottom=0)
    scale(axes, panel, empty=empty)
    axes.grid(visible=True, color="#2a2d34", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, labelsize=7.5, length=0, which="both")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if not panel.get("timeFrom"):
        mark(axes, answers)
    if not empty:
        names = [len(name) + 6 for name, _, _ in answers.lines(panel)]
        room = panel["gridPos"]["w"] * CELL / 0.07  # letters
        fits = sum(names) <= room
        columns = len(names) if fits else max(1, int(room / max(names)))
        place = {"loc": "upper left", "bbox_to_anchor": (-0.01, -0.11)}
        axes.legend(**place, ncol=columns, fontsize=7.2,
                    frameon=False, labelcolor=TEXT, handlelength=1.2,
                    columnspacing=1.2)  # fmt: skip


def scale(axes: Axes, panel: Json, *, empty: bool) -> None:
    """Ticks in the panel's unit, thresholds as lines."""
    unit = panel["fieldConfig"]["defaults"].get("unit", "")
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", ())
    log = axes.get_yscale() == "log"
    if unit == "s" and log:
        ticks = [900, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600, 86400, 2 * 86400, 604800]
        low, high = axes.get_ylim()
        axes.set_yticks([t for t in ticks if low <= t <= high])
        axes.minorticks_off()
    if log and unit != "s":
        axes.minorticks_off()
    if not empty:
        places = 1 if unit == "s" and not log else 0
        axes.yaxis.set_major_formatter(lambda value, _: shown(value, unit, places))
    if panel["fieldConfig"]["defaults"]["custom"].get("drawStyle") == "bars" and not empty:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    for level in (s for s in steps if s["value"]):
        axes.axhline(level["value"], color=colour(level["color"]), lw=0.9, ls=(0, (5, 4)))


def mark(axes: Axes, answers: Answers) -> None:
    """The dashboard's annotations: a line where one begins, a shade while it lasts."""
    for note in answers.board["annotations"]["list"]:
        if not note["enable"]:
            continue
        expr, now = answers.fill(note["expr"]), answers.now
        since, step = answers.recording.start, 120.0
        for series in answers.prometheus.series(expr, at=now, since=since, step=step):
            pairs: Any = series["values"]
            first, last = (datetime.fromtimestamp(pairs[i][0], UTC) for i in (0, -1))
            tint = colour(note["iconColor"])
            axes.axvline(first, color=tint, lw=0.9, ls=":")
            axes.axvspan(first, last, color=tint, alpha=0.07, lw=0)


def draw_states(axes: Axes, panel: Json, answers: Answers) -> None:
    """A bar per series, in the colours of its states."""
    found = answers.lines(panel)
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    for row, (_, times, values) in enumerate(reversed(found)):
        for at, value in zip(times, values, strict=True):
            words = mapped(mappings, value)
            if words is not None:
                left = mdates.date2num(datetime.fromtimestamp(at, UTC))
                axes.barh(row, 121 / 86400, 0.72, left, color=words[1], lw=0)
    finish(axes, panel, answers, empty=True)
    for text in axes.texts:
        text.remove()
    names = [name for name, _, _ in reversed(found)]
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)


def draw_shares(axes: Axes, panel: Json, answers: Answers) -> None:
    """A bar per limit."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    (series,) = answers.values(panel)
    names = [legend(panel["targets"][0]["legendFormat"], metric) for metric, _ in series]
    for row, (_, value) in enumerate(series):
        y = len(series) - 1 - row
        tint = graded(steps, value)
        axes.barh(y, 1, 0.45, color="#22252b", lw=0)
        axes.barh(y, value, 0.45, color=tint, lw=0)
        axes.text(1.02, y, shown(value, "percentunit"), color=tint, size=11, va="center")
        axes.text(0, y + 0.33, names[row], color=TEXT, size=8, va="bottom")
    if not series:
        none = panel["fieldConfig"]["defaults"]["noValue"]
        axes.text(0.57, 0.7, none, ha="center", color=FAINT, size=9)
    axes.set_xlim(0, 1.14)
    axes.set_ylim(-0.6, max(len(series), 2) - 0.1)
    axes.axis("off")


def draw_table(axes: Axes, panel: Json, answers: Answers) -> None:
    """Rows of labels and values, joined by the labels that they share."""
    by_id = {t["id"]: t["options"] for t in panel["transformations"]}
    names = by_id["organize"]["renameByName"]
    order = by_id["organize"]["indexByName"]
    columns = sorted((c for c in names if c != "Value"), key=lambda c: int(order[c]))
    rows = joined(panel, answers.values(panel))
    axes.set_xlim(0, 1)
    slots = max(5.0, len(rows) + 1.2)
    axes.set_ylim(slots, 0)
    axes.axis("off")
    weights = [WIDE.get(c, 1.0) for c in columns]
    lefts = [sum(weights[:i]) / sum(weights) for i in range(len(columns))]
    for left, column in zip(lefts, columns, strict=True):
        axes.text(left + 0.005, 0.55, names[column], color="#6e9fff", size=8, va="center")
    axes.axhline(1.05, color=EDGE, lw=1)
    letters = panel["gridPos"]["w"] * CELL / 0.072 / sum(weights)
    for i, row in enumerate(rows):
        for left, column, weight in zip(lefts, columns, weights, strict=True):
            text, tint = cell(panel, names[column], row.get(column), answers.now)
            text = fitting(text, int(letters * weight) - 1)
            axes.text(left + 0.005, i + 1.6, text, color=tint, size=8.5, va="center")
        axes.axhline(i + 2.1, color="#202329", lw=0.8)


def fitting(text: str, room: int) -> str:
    """The end of a text that is too long: of a model's ID it says more than the beginning."""
    return text if len(text) <= room else "…" + text[1 - room :]


def joined(panel: Json, answers: list[list[tuple[Json, float]]]) -> list[Json]:
    """Grafana's merge: what agrees on all labels that both have is one row."""
    rows: list[Json] = []
    for target, series in zip(panel["targets"], answers, strict=True):
        for metric, value in series:
            fits = (r for r in rows if all(r.get(k, v) == v for k, v in metric.items()))
            row = next(fits, None)
            if row is None:
                row = {}
                rows.append(row)
            row.update(metric)
            row[f"Value #{target['refId']}"] = value
    return rows


def cell(panel: Json, name: str, value: Any, now: float) -> tuple[str, str]:
    """A table's cell: its text and its colour."""
    if value is None:
        return "", TEXT
    own = overridden(panel, name)
    words = mapped(own.get("mappings") or (), value)
    if words is not None:
        return words
    if isinstance(value, str):
        return value, "#6e9fff" if own.get("links") else TEXT
    if own.get("unit") == "dateTimeFromNow":
        return ago(value, now), TEXT
    steps = (own.get("thresholds") or {}).get("steps")
    text = shown(value, own.get("unit", ""))
    return text, graded(steps, value) if steps else TEXT


PANELS: dict[str, Callable[[Axes, Json, Answers], None]] = {
    "stat": draw_stat,
    "timeseries": draw_lines,
    "state-timeline": draw_states,
    "bargauge": draw_shares,
    "table": draw_table,
}


# -- the whole ------------------------------------------------------------------------------


class Canvas:
    """A page of Grafana's grid."""

    def __init__(self, rows: int) -> None:
        self._width, self._height = 24 * CELL, rows * ROW + 0.5
        self.figure = plt.figure(figsize=(self._width, self._height), facecolor=PAGE)

    def title(self, text: str, right: str) -> None:
        """The page's head."""
        y = 1 - 0.28 / self._height
        self.figure.text(0.008, y, text, color=TEXT, size=13, weight="bold", va="center")
        self.figure.text(0.992, y, right, color=FAINT, size=9, va="center", ha="right")

    def place(self, at: Json) -> tuple[float, float, float, float]:
        """Left, bottom, width and height in inches."""
        top = self._height - 0.5 - at["y"] * ROW
        height = at["h"] * ROW
        return at["x"] * CELL + GAP, top - height + GAP, at["w"] * CELL - 2 * GAP, height - 2 * GAP

    def row(self, panel: Json, title: str) -> None:
        """The head of a row."""
        x, y, _, h = self.place(panel["gridPos"])
        self.figure.text((x + 0.05) / self._width, (y + h / 2) / self._height, f"▾  {title}",
                         color=TEXT, size=10, weight="bold", va="center")  # fmt: skip

    def panel(self, panel: Json, title: str) -> Axes:
        """An empty panel with its title; where to draw."""
        x, y, w, h = self.place(panel["gridPos"])
        box = FancyBboxPatch(
            (x / self._width, y / self._height), w / self._width, h / self._height,
            boxstyle="square,pad=0", fc=PANEL, ec=EDGE, lw=1, transform=self.figure.transFigure,
            zorder=-1,
        )  # fmt: skip
        self.figure.add_artist(box)
        self.figure.text((x + 0.1) / self._width, (y + h - 0.15) / self._height, title,
                         color=TEXT, size=9, weight="bold", va="center")  # fmt: skip
        plain = panel["type"] in ("stat", "table", "bargauge")
        left, below = (0.12, 0.08) if plain else (0.75, 0.5)
        if panel["type"] == "state-timeline":
            left, below = 1.25, 0.3
        inner = (x + left, y + below, w - left - 0.15, h - below - 0.32)
        axes = self.figure.add_axes((inner[0] / self._width, inner[1] / self._height,
                                     inner[2] / self._width, inner[3] / self._height))  # fmt: skip
        axes.set_facecolor(PANEL)
        return axes


def draw(answers: Answers, file: Path) -> None:
    """A dashboard at one moment."""
    board = answers.board
    rows = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    canvas = Canvas(rows)
    when = datetime.fromtimestamp(answers.now, UTC)
    canvas.title(board["title"], f"the demo's day until {when:%H:%M} UTC · drawn from the "
                 "dashboard's queries, not by Grafana")  # fmt: skip
    for panel in board["panels"]:
        title = answers.fill(panel["title"])
        if panel["type"] == "row":
            canvas.row(panel, title)
            continue
        PANELS[panel["type"]](canvas.panel(panel, title), panel, answers)
    canvas.figure.savefig(file, dpi=100, facecolor=PAGE, metadata={"Software": None})
    plt.close(canvas.figure)
    print(file)


async def story() -> Recording:
    """The demo's day."""
    async with told() as watched:
        await watched.address
    return watched.recording


def main() -> None:
    """Record, ask, draw."""
    if missing():
        sys.exit(f"Prometheus is missing: {missing()}")
    logs.configure("text", "error")
    recording = asyncio.run(story())
    with (
        tempfile.TemporaryDirectory() as folder,
        replaying(recording, Path(folder)) as prometheus,
    ):
        for name in BOARDS:
            board = json.loads((ROOT / "grafana" / f"monitor-{name}.json").read_text())
            answers = Answers(prometheus, recording, board, "kie", recording.end)
            draw(answers, IMAGES / f"grafana-{name}.png")


if __name__ == "__main__":
    mpl.rcParams["font.family"] = "DejaVu Sans"
    IMAGES.mkdir(exist_ok=True)
    main()
