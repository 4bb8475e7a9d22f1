"""How our panels look: queries, units, colours and thresholds, said once for all dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = c.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "#6e7687"
HOUR, DAY = 3600.0, 86400.0

# Prometheus' +Inf has neither text nor place on an axis in Grafana: it is cut to 1e9 s, about 31
# years, and shown in words. (A range without an upper end matches nothing.)
ENDLESS = 1e9
NOTHING_BURNS = d.RangeMap(
    d.DashboardRangeMapOptions(
        ENDLESS * 0.9, ENDLESS * 10, d.ValueMappingResult(text="nothing burns", color=GREEN)
    )
)
RUNWAY_STEPS = ((RED, None), (ORANGE, 4 * HOUR), (GREEN, DAY))
RUNWAY_LINES = (("transparent", None), (RED, 4 * HOUR), (ORANGE, DAY))  # drawn as lines
SHARE_STEPS = ((GREEN, None), (ORANGE, 0.8), (RED, 0.95))
NONE_IS_BEST = ((GREEN, None), (RED, 1.0))
SOME_IS_BEST = ((RED, None), (GREEN, 1.0))
NEUTRAL = ((BLUE, None),)
SERVICE = {
    "2": ("up", GREEN),
    "1": ("degraded", ORANGE),
    "0": ("down", RED),
}
FAILED_CAUSES = (
    "provider_error|provider_unreachable|provider_maintenance|timed_out|tls_invalid|"
    "answer_malformed|endpoint_retired|rate_limited|network_offline"
)

Steps = Sequence[tuple[str, float | None]]
Query = tuple[str, str]  # PromQL, legend (of a table: empty)
Place = tuple[int, int, int, int]  # x, y, width, height of Grafana's grid of 24 columns
Panel = stat.Panel | timeseries.Panel | bargauge.Panel | statetimeline.Panel | table.Panel
Words = Mapping[str, tuple[str, str]]  # a value, its text and its colour


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours by value, the lowest first."""
    made = [d.Threshold(value=value, color=colour) for colour, value in steps]
    return dashboard.ThresholdsConfig().mode(d.ThresholdsMode.ABSOLUTE).steps(made)


def words(mapping: Words) -> d.ValueMap:
    """Values that are shown as coloured words."""
    results = {
        value: d.ValueMappingResult(text=text, color=colour, index=i)
        for i, (value, (text, colour)) in enumerate(mapping.items())
    }
    return d.ValueMap(results)


def shown(steps: Steps | None, mapping: Words | None) -> list[d.ValueMapping]:
    """What is shown in words; a runway, which its thresholds tell, where it is endless."""
    if mapping:
        return [words(mapping)]
    return [NOTHING_BURNS] if steps is RUNWAY_STEPS else []


def _query(ref: int, query: Query, *, instant: bool) -> prometheus.Dataquery:
    expr, legend = query
    made = prometheus.Dataquery().ref_id(chr(ord("A") + ref)).expr(" ".join(expr.split()))
    made = made.datasource(SOURCE).legend_format(legend or "__auto")
    return made.instant() if instant else made.range()


def _placed(place: Place) -> d.GridPos:
    x, y, w, h = place
    return d.GridPos(h=h, w=w, x=x, y=y)


def number(
    title: str, why: str, place: Place, *queries: Query, unit: str = "short",
    steps: Steps = NEUTRAL, mapping: Words | None = None, names: bool = False,
    decimals: int | None = None, mode: c.BigValueTextMode | None = None,
    none: str = "not known",
) -> stat.Panel:  # fmt: skip
    """The present value of one series, or of a few with their names."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    made = stat.Panel().title(title).description(why).grid_pos(_placed(place)).datasource(SOURCE)
    made = made.unit(unit).thresholds(thresholds(steps)).reduce_options(last).no_value(none)
    made = made.color_scheme(dashboard.FieldColor().mode(d.FieldColorModeId.THRESHOLDS))
    made = made.color_mode(c.BigValueColorMode.BACKGROUND).graph_mode(c.BigValueGraphMode.NONE)
    plain = c.BigValueTextMode.VALUE_AND_NAME if names else c.BigValueTextMode.VALUE
    made = made.text_mode(mode or plain).mappings(shown(steps, mapping))
    if decimals is not None:
        made = made.decimals(decimals)
    return made.targets([_query(i, q, instant=True) for i, q in enumerate(queries)])


def lines(
    title: str, why: str, place: Place, *queries: Query, unit: str = "short",
    steps: Steps | None = None, log: bool = False, fill: int = 0, bars: bool = False,
    stairs: bool = False, colour: str = "",
) -> timeseries.Panel:  # fmt: skip
    """Series over time; `steps` are drawn as lines, `bars` are for what happened in between."""
    made = timeseries.Panel().title(title).description(why).grid_pos(_placed(place))
    made = made.datasource(SOURCE).unit(unit).line_width(2 if not bars else 0)
    made = made.fill_opacity(80 if bars else fill).show_points(c.VisibilityMode.NEVER)
    made = made.draw_style(c.GraphDrawStyle.BARS if bars else c.GraphDrawStyle.LINE)
    if stairs:
        made = made.line_interpolation(c.LineInterpolation.STEP_AFTER)
    if log:
        scale = common.ScaleDistributionConfig().type(c.ScaleDistribution.LOG).log(10)
        made = made.scale_distribution(scale)
    else:
        made = made.axis_soft_min(0)
    if steps is not None:
        style = common.GraphThresholdsStyleConfig().mode(c.GraphThresholdsStyleMode.DASHED)
        made = made.thresholds(thresholds(steps)).thresholds_style(style)
    if colour:
        fixed = dashboard.FieldColor().mode(d.FieldColorModeId.FIXED).fixed_color(colour)
        made = made.color_scheme(fixed)
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST)
    made = made.legend(legend.placement(c.LegendPlacement.BOTTOM).show_legend(True).calcs([]))
    many = common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI)
    made = made.tooltip(many.sort(c.SortOrder.DESCENDING))
    return made.targets([_query(i, q, instant=False) for i, q in enumerate(queries)])


def band(panel: timeseries.Panel, low: str, high: str) -> timeseries.Panel:
    """Fill between two series of a panel by their names; the edges themselves are faint."""
    edge = [
        d.DynamicConfigValue("custom.lineWidth", 1),
        d.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "semi-dark-blue"}),
    ]
    upper = [
        *edge,
        d.DynamicConfigValue("custom.fillBelowTo", low),
        d.DynamicConfigValue("custom.fillOpacity", 18),
    ]
    return panel.override_by_name(low, edge).override_by_name(high, upper)


def styled(
    panel: timeseries.Panel, name: str, colour: str, *, dashed: bool = False
) -> timeseries.Panel:
    """One series of a panel in a colour of its own."""
    properties = [d.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]
    if dashed:
        dash = {"fill": "dash", "dash": [8, 8]}
        properties += [
            d.DynamicConfigValue("custom.lineStyle", dash),
            d.DynamicConfigValue("custom.lineWidth", 1),
        ]
    return panel.override_by_name(name, properties)


def shares(title: str, why: str, place: Place, *queries: Query) -> bargauge.Panel:
    """How much of each limit is used, from 0 to 1."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    made = bargauge.Panel().title(title).description(why).grid_pos(_placed(place))
    made = made.datasource(SOURCE).unit("percentunit").min(0).max(1).reduce_options(last)
    made = made.thresholds(thresholds(SHARE_STEPS)).orientation(c.VizOrientation.HORIZONTAL)
    made = made.display_mode(c.BarGaugeDisplayMode.BASIC).no_value("no limits are read")
    return made.targets([_query(i, q, instant=True) for i, q in enumerate(queries)])


def states(
    title: str, why: str, place: Place, query: Query, mapping: Words
) -> statetimeline.Panel:
    """One bar per series, in the colour of each state it was in."""
    made = statetimeline.Panel().title(title).description(why).grid_pos(_placed(place))
    made = made.datasource(SOURCE).mappings([words(mapping)]).fill_opacity(80).row_height(0.8)
    made = made.show_value(c.VisibilityMode.NEVER).line_width(0)
    return made.targets([_query(0, query, instant=False)])


class Table:
    """A table of instant queries: rows that share their labels become one."""

    def __init__(self, title: str, why: str, place: Place, *queries: str) -> None:
        made = table.Panel().title(title).description(why).grid_pos(_placed(place))
        made = made.datasource(SOURCE).show_header(True).filterable(True)
        targets = [_query(i, (q, ""), instant=True) for i, q in enumerate(queries)]
        self._made = made.targets([t.format(PromQueryFormat.TABLE) for t in targets])
        self._names: dict[str, str] = {}

    def text(
        self, label: str, name: str, *, link: str = "", mapping: Words | None = None
    ) -> Table:
        """A label as a column; `link` may hold ${__value.text}."""
        self._names[label] = name
        properties = []
        if link:
            target = {"title": "One account in depth", "url": link, "targetBlank": False}
            properties.append(d.DynamicConfigValue("links", [target]))
        if mapping:
            properties.append(d.DynamicConfigValue("mappings", [words(mapping)]))
            coloured = {"type": "color-text"}
            properties.append(d.DynamicConfigValue("custom.cellOptions", coloured))
        if properties:
            self._made = self._made.override_by_name(name, properties)
        return self

    def value(
        self, ref: str, name: str, *, unit: str = "short", steps: Steps | None = None,
        mapping: Words | None = None,
    ) -> Table:  # fmt: skip
        """A query's value as a column."""
        self._names[f"Value #{ref}"] = name
        # Where one query alone has an answer, Grafana calls its column Value.
        self._names.setdefault("Value", name)
        properties = [
            d.DynamicConfigValue("unit", unit),
            d.DynamicConfigValue("mappings", shown(steps, mapping)),
        ]
        if steps is not None or mapping:
            coloured = thresholds(steps or NEUTRAL).build()
            properties.append(d.DynamicConfigValue("thresholds", coloured))
            properties.append(d.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        self._made = self._made.override_by_name(name, properties)
        return self

    def build(self, *, worst: str = "", highest: bool = False) -> table.Panel:
        """The panel, sorted by the column `worst`; columns in the order they were named."""
        merge = d.DataTransformerConfig(id_val="merge", options={})
        order = {name: i for i, name in enumerate(self._names)}
        named = {"indexByName": order, "renameByName": self._names, "excludeByName": {}}
        kept = {"include": {"names": list(self._names)}}
        made = self._made.with_transformation(merge)
        made = made.with_transformation(
            d.DataTransformerConfig("filterFieldsByName", options=kept)
        )
        made = made.with_transformation(d.DataTransformerConfig("organize", options=named))
        if worst:
            by = common.TableSortByFieldState().display_name(worst).desc(highest)
            made = made.sort_by([by])
        return made
