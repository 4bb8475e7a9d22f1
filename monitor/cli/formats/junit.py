"""JUnit's XML, for CI servers: one testcase per target."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as ET  # only written here, never parsed

from monitor.cli.formats.figures import figures
from monitor.cli.formats.rows import Report, TargetRow
from monitor.cli.formats.safe import for_xml
from monitor.core.causes import Status

_FAILURES = (Status.WARNING, Status.CRITICAL)


def render_junit(report: Report) -> str:
    """`failure` for warning and critical, `error` for what could not be checked."""
    root = ET.Element(
        "testsuites", {"name": "monitor", **_counts(report.targets, report.duration)}
    )
    for account, rows in groupby(report.targets, lambda t: t.account):
        root.append(_suite(account, tuple(rows), report.at))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _counts(rows: tuple[TargetRow, ...], duration: float | None) -> dict[str, str]:
    seconds = sum(r.duration or 0.0 for r in rows) if duration is None else duration
    return {
        "tests": str(len(rows)),
        "failures": str(sum(r.status in _FAILURES for r in rows)),
        "errors": str(sum(r.status is Status.UNKNOWN for r in rows)),
        "time": f"{seconds:.3f}",
    }


def _suite(account: str, rows: tuple[TargetRow, ...], at: str) -> ET.Element:
    stamp = for_xml(at).removesuffix("Z")  # the schema's dateTime, without a zone
    attributes = {"name": for_xml(account), **_counts(rows, None), "timestamp": stamp}
    suite = ET.Element("testsuite", attributes)
    suite.extend(_case(row) for row in rows)
    return suite


def _case(row: TargetRow) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=for_xml(row.target),
        classname=for_xml(row.account),
        time=f"{row.duration or 0.0:.3f}",
    )
    measured = [for_xml(figure) for figure in figures(row)]
    if row.status is not Status.OK:
        tag = "failure" if row.status in _FAILURES else "error"
        kind = row.doubt or row.status.value
        fault = ET.SubElement(case, tag, type=kind, message=for_xml(row.why))
        steps = [f"next: {for_xml(row.next_step)}"] if row.next_step else []
        fault.text = "\n".join([for_xml(row.why), *measured, *steps])
    elif measured:
        ET.SubElement(case, "system-out").text = "\n".join(measured)
    return case
