"""Telling an Alertmanager: POST /api/v2/alerts, to every replica of a cluster.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (postableAlerts)
and https://prometheus.io/docs/alerting/latest/clients/.
"""

from __future__ import annotations

from monitor.core.message import Message
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Sends
from monitor.notifiers._alert import annotations_of, labels_of, rfc3339
from monitor.notifiers._http import FIELDS, Hint, HttpNotifier, Post, as_json
from monitor.notifiers._options import Options, authorization, one_login

REFRESH = 60.0  # seconds: Alertmanager itself asks for 30 s to 3 min

SPEC = ChannelSpec(
    name="alertmanager",
    title="Prometheus Alertmanager",
    fields=(
        Field("urls", FieldKind.TEXTS, "each replica of the cluster, never a load balancer before "
              "them; not kept secret", required=True, example="[http://127.0.0.1:9093]"),
        Field("token", FieldKind.SECRET, "sent as a bearer token"),
        Field("username", FieldKind.TEXT, "basic authentication, in place of `token`",
              example="monitor"),
        Field("password", FieldKind.SECRET, "of that user"),
        Field("refresh", FieldKind.DURATION, "how often what still fires is sent anew; an alert "
              "ends by itself four times this long after the last", default=REFRESH),
        *FIELDS,
    ),
    addresses="urls",
    docs="https://prometheus.io/docs/alerting/latest/clients/",
    knows="Routing, grouping and silencing are Alertmanager's own from there on. The labels are "
    "those of the opening for the incident's whole life; the present severity is an annotation. "
    "What fires is sent anew every `refresh`, also while it is silenced or acknowledged here: "
    "what Alertmanager was told and is still true must not end by itself. Each replica is told by "
    "itself: one that is down neither holds up nor loses anything. A refresh that fails is "
    "counted in `monitor_notifications_total` as a reminder that failed. A notice ends by itself.",
    faults=one_login,
    refresh=REFRESH,
)  # fmt: skip

_HINTS = (
    Hint(401, "", "it wants a token, or a username and a password"),
    Hint(404, "", "there is no /api/v2/alerts: is it an Alertmanager, and its path prefix right?"),
)


def notifier(door: Sends) -> HttpNotifier:
    """Ready to send through `door`."""
    return HttpNotifier(door, SPEC, _posts, _HINTS)


def _posts(options: Options, message: Message, address: str) -> tuple[Post, ...]:
    url = f"{address.rstrip('/')}/api/v2/alerts"
    return (
        Post(
            url, as_json([alert(message)]), secret_headers=authorization(options, "alertmanager")
        ),
    )


def alert(message: Message) -> dict[str, object]:
    """One postable alert.

    `ends_at` of what still fires is until when it may be believed; where there is none,
    Alertmanager counts its own resolve_timeout from when it hears of it.
    """
    said: dict[str, object] = {
        "labels": {name: value for name, value in labels_of(message).items() if value},
        "annotations": {name: value for name, value in annotations_of(message).items() if value},
        "startsAt": rfc3339(message.starts_at),
        "generatorURL": message.external_url,
    }
    if message.ends_at is not None:
        said["endsAt"] = rfc3339(message.ends_at)
    return said
