"""Deepgram: the balances of one project, added up.

Two questions: which project, then its balances. The field `project` answers the first.
Source: https://developers.deepgram.com/reference/manage/billing/list and its Python SDK 7.16.
"""

from __future__ import annotations

from monitor.answers import Malformed, Row, at, listing, shape, text
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.spec import CheckSpec, Field, FieldKind, ProviderSpec
from monitor.providers import Ask, Provider, Refused
from monitor.providers._balance import Call, authorization, balance_of, currency, total

SPEC = ProviderSpec(
    name="deepgram",
    title="Deepgram",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="of one project")},
    urls={"base_url": "https://api.deepgram.com"},
    docs="https://developers.deepgram.com/reference/manage/billing/list",
    unit="USD",
    fields=(
        Field(
            "project",
            FieldKind.TEXT,
            "the project's ID; needed where the key sees more than one",
            example="project-example",
        ),
    ),
    key="one with the scope billing:read",
    knows="The prepaid balances of one project, added up, with a key that may read billing.",
)
ERRORS = (
    Row(403, "", Cause.NOT_KNOWABLE,
        "Deepgram tells balances only to a key with the scope billing:read"),
)  # fmt: skip
TOKEN = authorization("Token")
PROJECTS = Call(SPEC, "/v1/projects", key=TOKEN, errors=ERRORS)
BALANCES = Call(SPEC, "/v1/projects/{project}/balances", key=TOKEN, errors=ERRORS)


async def probe(ask: Ask) -> Finding:
    """Ask for the project, then for its balances. Raises Refused, Malformed, HttpFailure."""
    project = ask.account.fields.get("project") or await _project(ask)
    body = await BALANCES.body(ask, project=str(project))
    found = listing(at(body, "balances"), "balances")
    if not found:
        return Finding(Cause.NOT_KNOWABLE, "the project has no prepaid balance")
    units = {currency(at(one, "units"), "units") for one in found}
    if len(units) > 1:
        raise Malformed("the balances are in several currencies", evidence=shape(body))
    return balance_of(total(body, ("balances.*.amount",)), units.pop())


async def _project(ask: Ask) -> str:
    """The one project the key sees. Raises Refused where that is not one."""
    found = listing(at(await PROJECTS.body(ask), "projects"), "projects")
    if len(found) != 1:
        words = f"the key sees {len(found)} projects: name one with `project:`"
        raise Refused(Finding(Cause.NOT_KNOWABLE, words))
    return text(at(found[0], "project_id"), "project_id")


PROVIDER = Provider(SPEC, probe)
