"""Writes monitor-overview.json and monitor-account.json: `make docs`, or `python -m` this."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as d

from grafana import account, overview
from grafana.panels import SOURCE, Panel
from grafana.queries import ME, OURS

HERE = Path(__file__).parent
TAG = "monitor"
_FROM_QUERY = 3  # the kinds of Prometheus' variable editor
_FROM_LABEL = 1


def _variable(
    name: str, label: str, query: str, kind: int, *, many: bool, regex: str = ""
) -> dashboard.QueryVariable:
    asked = {
        "query": query,
        "qryType": kind,
        "refId": "PrometheusVariableQueryEditor-VariableQuery",
    }
    made = dashboard.QueryVariable(name).label(label).query(asked).datasource(SOURCE)
    made = made.definition(query).refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)
    made = made.multi(many).include_all(many).regex(regex)
    return made.current(d.VariableOption(text="All", value="$__all")) if many else made


def _common() -> list[Builder[d.VariableModel]]:
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    job = _variable("job", "Job", "label_values(monitor_build_info, job)", _FROM_LABEL, many=True)
    instance = _variable(
        "instance", "Monitor", 'label_values(monitor_build_info{job=~"$job"}, instance)',
        _FROM_LABEL, many=True)  # fmt: skip
    return [source, job.all_value(".+"), instance.all_value(".+")]


def _ahead() -> dashboard.CustomVariable:
    seconds = {"1 h": "3600", "2 h": "7200", "6 h": "21600", "24 h": "86400"}
    made = dashboard.CustomVariable("ahead").label("Forecast made before")
    made = made.values(", ".join(f"{text} : {value}" for text, value in seconds.items()))
    made = made.current(d.VariableOption(selected=True, text="2 h", value="7200"))
    return made.options([
        d.VariableOption(selected=value == "7200", text=text, value=value)
        for text, value in seconds.items()
    ])  # fmt: skip


def _marks(name: str, expr: str, colour: str, title: str, text: str, *, on: bool) -> (
    dashboard.AnnotationQuery
):  # fmt: skip
    made = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(on).hide(False)
    made = made.icon_color(colour).expr(expr).step("60s").title_format(title).text_format(text)
    return made.tag_keys("account,severity").use_value_for_time(False)


def _annotations(where: str, whose: str, *, warnings: bool) -> list[dashboard.AnnotationQuery]:
    firing = f"monitor_alert_firing{{{where}, severity="
    return [
        _marks("Top-ups", f"changes(monitor_topped_up_total{{{whose}}}[$__rate_interval]) > 0",
               "blue", "{{account}} was topped up", "{{provider}}, in {{unit}}", on=True),
        _marks("Critical", f'{firing}"critical"}}', "red", "{{alert}}", "{{target}}", on=True),
        _marks("Warnings", f'{firing}"warning"}}', "orange", "{{alert}}", "{{target}}",
               on=warnings),
    ]  # fmt: skip


def _new(uid: str, title: str, about: str, *, hours: int) -> dashboard.Dashboard:
    made = dashboard.Dashboard(title).uid(uid).description(about).tags([TAG]).refresh("30s")
    made = made.time(f"now-{hours}h", "now").tooltip(d.DashboardCursorSync.CROSSHAIR)
    return made.timezone("browser").editable()


def _with(
    made: dashboard.Dashboard, title: str, y: int, panels: Iterable[Panel], *, repeat: str = ""
) -> None:
    row = dashboard.Row(title).grid_pos(d.GridPos(h=1, w=24, x=0, y=y))
    made.with_row(row.repeat(repeat) if repeat else row)
    for panel in panels:
        made.with_panel(panel)


def _link(title: str, uid: str) -> dashboard.DashboardLink:
    # By name and not all of them: `account` means the six that end first here, and one there.
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance"))
    made = dashboard.DashboardLink(title).type(d.DashboardLinkType.LINK).url(f"/d/{uid}?{kept}")
    return made.icon("dashboard").keep_time(True).include_vars(False)


def build_overview() -> dashboard.Dashboard:
    """All accounts, models and services at a glance."""
    made = _new("monitor-overview", "monitor / overview",
                "Keys, models and credits of prepaid AI APIs: what is wrong, what ends first, "
                "and whether the watcher is awake.", hours=24)  # fmt: skip
    soonest = f"query_result(bottomk(6, min by (account) (monitor_runway_seconds{{{ME}, "
    accounts = _variable(
        "account", "Shown in detail (the six that end first)", soonest + 'percentile="25"})))',
        _FROM_QUERY, many=True, regex='/account="([^"]+)"/')  # fmt: skip
    for variable in (*_common(), accounts, _ahead()):
        made.with_variable(variable)
    for mark in _annotations(ME, ME, warnings=False):
        made.annotation(mark)
    made.link(_link("One account in depth", "monitor-account"))
    for panel in (*overview.at_a_glance(), *overview.accounts()):
        made.with_panel(panel)
    _with(made, "$account", 18, overview.one_account(), repeat="account")
    _with(made, "Incidents, models, limits", 28,
          (*overview.what_is_wrong(), *overview.over_time()))  # fmt: skip
    _with(made, "Watching and telling", 44, overview.watching())
    _with(made, "monitor itself", 52, overview.itself())
    return made


def build_account() -> dashboard.Dashboard:
    """One account: credit, forecast, spending, targets."""
    made = _new("monitor-account", "monitor / one account",
                "One account in depth: when its credit ends, where it goes, how good the forecast "
                "was, and everything that is asked of it.", hours=168)  # fmt: skip
    provider = _variable("provider", "Provider",
                         f"label_values(monitor_target_info{{{ME}}}, provider)", _FROM_LABEL,
                         many=True)  # fmt: skip
    accounts = _variable(
        "account", "Account",
        f'label_values(monitor_target_info{{{ME}, provider=~"$provider"}}, account)', _FROM_LABEL,
        many=False)  # fmt: skip
    for variable in (*_common(), provider.all_value(".+"), accounts, _ahead()):
        made.with_variable(variable)
    for mark in _annotations(account.MINE, OURS, warnings=True):
        made.annotation(mark)
    made.link(_link("Overview", "monitor-overview"))
    for panel in account.now():
        made.with_panel(panel)
    _with(made, "Forecast", 4, account.forecast())
    _with(made, "Spending", 22, account.spending())
    _with(made, "How good the forecast was; limits", 30, account.hindsight())
    _with(made, "Targets and incidents", 37, account.targets())
    return made


def render(made: dashboard.Dashboard) -> str:
    """The JSON of a dashboard; panels are numbered in the order they stand."""
    built = made.build()
    for number, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


DASHBOARDS = {
    "monitor-overview.json": build_overview,
    "monitor-account.json": build_account,
}


def write() -> None:
    """Both files, beside this one."""
    for name, build in DASHBOARDS.items():
        (HERE / name).write_text(render(build()), encoding="utf-8")


if __name__ == "__main__":
    write()
