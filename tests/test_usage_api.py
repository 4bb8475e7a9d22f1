"""Reports over HTTP, on a real listener and a real database: counted once, kept, judged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import house
import httpx
import living
import pytest
import wire
from house import House
from snapshots import doors

from monitor.app import Daemon
from monitor.core.causes import Cause
from monitor.core.document import document
from monitor.core.model import Check, Finding, Quota, Target
from monitor.core.past import document as document_of
from monitor.core.reports import Counted
from monitor.core.secret import Secret
from monitor.core.settings import (
    Account,
    Interval,
    PrometheusSettings,
    Settings,
    TargetSettings,
    WebSettings,
)
from monitor.core.windows import DeclaredQuota, Per
from monitor.exporter import metrics_text
from monitor.history import Archive
from monitor.http import Door, HttpFailure
from monitor.promql import querier
from monitor.recall import Wanted, recall
from monitor.store import StoreError
from monitor.store.sqlite import SqliteStore
from monitor.web import build_app
from monitor.web.server import bind, serve

TOKEN = "planted-token-0001"
DAY = DeclaredQuota("calls-per-day", Decimal(1000), Per.DAY)
MINUTE = DeclaredQuota("calls-per-minute", Decimal(10), Per.MINUTE)
IMAGES = DeclaredQuota("images", Decimal(5000), Per.MONTH, unit="images")


def counting(*quotas: DeclaredQuota, asked: bool = False, **more: object) -> Account:
    """An account whose quotas are declared; `asked`: its provider tells some as well."""
    name = str(more.pop("name", "hf"))
    target = Target(name, "huggingface", Check.QUOTA)
    mine = TargetSettings(target, Interval(60.0, 60.0), 15.0, asked=asked)
    return house.kie(
        name=name, provider="huggingface", targets=(mine,), quotas=quotas or (DAY, MINUTE), **more
    )


@asynccontextmanager
async def served(it: House) -> AsyncIterator[Callable[..., Awaitable[httpx.Response]]]:
    """The house's reports on a port of the system's; how one is posted."""

    async def usage(account: str, body: object) -> Counted | tuple[str, ...]:
        found = await it.pipeline.counting.report(account, body)
        return tuple(a.name for a in it.settings.accounts) if found is None else found

    web = replace(it.settings.web, token=Secret(TOKEN))
    shown = doors(usage=usage, settings_of=lambda: replace(it.settings, web=web))
    listener, stop = bind("web", ("127.0.0.1", 0)), asyncio.Event()
    running = asyncio.create_task(serve(build_app(shown), listener, stop))

    async with httpx.AsyncClient(trust_env=False) as user:

        async def post(body: object, account: str = "hf", token: str = TOKEN) -> httpx.Response:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await user.post(
                f"http://127.0.0.1:{listener.port}/api/v1/usage/{account}",
                content=content,
                headers={"Authorization": f"Bearer {token}"},
            )

        yield post
    stop.set()
    await asyncio.wait_for(running, 5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(house.database(tmp_path))
    yield made
    await made.close()


async def a_house(config: Settings | None = None, **more: object) -> House:
    return await House(config or house.settings((counting(),)), **more).start()  # type: ignore[arg-type]  # a test names parts it knows


def used(it: House, name: str = "calls-per-day", target: str = "hf/quota") -> Decimal | None:
    found = {q.quota: q.used for q in it.memory.views[target].quotas}
    return found[name]


# -- what is answered -----------------------------------------------------------------------


async def test_a_report_is_counted_for_every_quota_of_its_unit() -> None:
    it = await a_house(house.settings((counting(DAY, MINUTE, IMAGES),)))
    async with served(it) as post:
        answer = await post({"id": "a", "calls": 3, "images": 2})
    assert answer.status_code == 202
    assert answer.json() == {"counted": 1, "ignored": 0, "not_counted": []}
    await it.pipeline.recount()
    assert (used(it), used(it, "calls-per-minute"), used(it, "images")) == (3, 3, 2)


async def test_a_report_may_name_its_quota() -> None:
    it = await a_house()
    async with served(it) as post:
        await post({"id": "a", "calls": 3, "quota": "calls-per-day"})
    await it.pipeline.recount()
    assert (used(it), used(it, "calls-per-minute")) == (3, None)


async def test_a_repeat_is_answered_and_not_counted() -> None:
    it = await a_house()
    async with served(it) as post:
        await post({"id": "a", "calls": 3})
        answer = await post([{"id": "a", "calls": 3}, {"id": "b", "calls": 1},
                             {"id": "b", "calls": 1}])  # fmt: skip
    assert answer.status_code == 202
    assert (answer.json()["counted"], answer.json()["ignored"]) == (1, 2)
    await it.pipeline.recount()
    assert used(it) == 4


async def test_the_same_id_at_another_account_is_another_request() -> None:
    it = await a_house(house.settings((counting(), counting(name="other"))))
    async with served(it) as post:
        for name in ("hf", "other"):
            assert (await post({"id": "a", "calls": 3}, name)).json()["counted"] == 1


async def test_yesterdays_report_does_not_count_today() -> None:
    it = await a_house()
    async with served(it) as post:
        await post({"id": "a", "calls": 700, "at": "2026-11-19T23:59:59Z"})
        await post({"id": "b", "calls": 5, "at": "2026-11-20T01:00:00+01:00"})
        old = await post({"id": "c", "calls": 5, "at": "2026-09-01T00:00:00Z"})
    await it.pipeline.recount()
    assert used(it) == 5
    assert "too old" in old.json()["not_counted"][0]["why"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ([], "it is not an object"),
        ({"calls": 1}, "id: must be text"),
        ({"id": "", "calls": 1}, "id: must be text"),
        ({"id": "x" * 201, "calls": 1}, "id: must be text"),
        ({"id": "a"}, "it counts nothing: give calls or job"),
        (
            {"id": "a", "cals": 1},
            "'cals': no quota of this account counts it, did you mean calls?",
        ),
        ({"id": "a", "calls": "1"}, "calls: must be a number"),
        ({"id": "a", "calls": True}, "calls: must be a number"),
        ({"id": "a", "calls": -1}, "calls: must be a number from 0"),
        ({"id": "a", "calls": 10**15}, "calls: must be a number from 0"),
        ({"id": "a", "calls": 1, "quota": "calls-per-dai"}, "did you mean calls-per-day?"),
        ({"id": "a", "quota": "calls-per-day"}, "calls: is missing"),
        ({"id": "a", "calls": 1, "at": "yesterday"}, "at: must be a time"),
        ({"id": "a", "calls": 1, "at": "2026-11-20T10:00:00"}, "at: must be a time"),
        ({"id": "a", "calls": 1, "at": "2026-11-20T10:02:00Z"}, "lies in the future"),
        ({"id": "a", "calls": 1, "at": "2026-02-30T10:02:00Z"}, "is no time there is"),
        ({"id": "a", "calls": 1, "job": "a b"}, "job: must be a name"),
        ({"id": "a", "calls": 1, "job": "a\ud800"}, "printable"),
        ({"id": "a", "calls": 1, "job": "a\u202eb"}, "printable"),
        ({"id": "a", "calls": 1, "job": "a\u200b"}, "printable"),
        ({"id": "a", "calls": 1, "job": "x" * 101}, "1 to 100"),
        ({"id": "a", "calls": 1, "credits": 5}, "credits: whose?"),
    ],
)
async def test_one_bad_report_is_named_by_its_index_and_nothing_is_counted(
    item: object, words: str
) -> None:
    it = await a_house()
    async with served(it) as post:
        answer = await post([{"id": "good", "calls": 1}, item])
    assert answer.status_code == 400
    (fault,) = answer.json()["faults"]
    assert fault["index"] == 1
    assert words in fault["fault"]
    await it.pipeline.recount()
    assert used(it) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"id": "a", "calls": NaN}', 400),
        (b'{"id": "a", "calls": ' + b"9" * 5000 + b"}", 400),
        (b'{"id": "a", "calls": 1e999999999999999999}', 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (json.dumps([{"id": "a", "calls": 1}] * 1001).encode(), 413),
        (b" " * (1024 * 1024 + 1), 413),
    ],
    ids=["empty", "cut", "none", "nan", "long", "huge", "deep", "binary", "many", "large"],
)
async def test_a_body_that_is_no_list_of_reports_is_refused(body: bytes, status: int) -> None:
    it = await a_house()
    async with served(it) as post:
        answer = await post(body)
    assert answer.status_code == status
    assert "error" in answer.json()


async def test_an_unknown_account_is_told_which_one_was_meant() -> None:
    async with served(await a_house()) as post:
        answer = await post({"id": "a", "calls": 1}, "hff")
    assert answer.status_code == 404
    assert answer.json()["error"] == "no such account, did you mean hf?"


async def test_nobody_reports_without_the_token() -> None:
    it = await a_house()
    async with served(it) as post:
        assert (await post({"id": "a", "calls": 1}, token="wrong")).status_code == 403
    assert not it.memory.tallies["hf"].everything()


async def test_an_account_has_room_for_so_many_kinds_of_jobs_and_no_more() -> None:
    it = await a_house()
    async with served(it) as post:
        full = [{"id": str(n), "job": f"job-{n}", "credits": 1} for n in range(199)]
        assert (await post(full)).status_code == 202  # and `video`, which has a price
        assert (await post({"id": "x", "job": "one-more"})).status_code == 400
        assert (await post({"id": "y", "job": "job-7"})).status_code == 202


# -- judged ---------------------------------------------------------------------------------


async def test_the_alert_says_when_it_is_gone() -> None:
    it = await a_house()
    await it.probe()
    early = it.clock.now() - timedelta(hours=3)
    await it.pipeline.counting.report("hf", {"id": "1", "calls": 770, "at": early.isoformat()})
    await it.pipeline.counting.report("hf", {"id": "2", "calls": 40})
    await it.pipeline.recount()
    await it.tell()
    assert it.firing() == {"quota-high": "hf/quota"}
    (message, _), *_ = it.mail.sent
    words = "1,000 calls a day: 810 used, gone at 14:45 at this pace, resets at 00:00 UTC"
    assert words in message.what
    text = metrics_text(it.memory.snapshot(it.clock.now()))
    assert 'monitor_quota_used{account="hf",provider="huggingface",quota="calls-per-day"' in text
    gone = datetime(2026, 11, 20, 14, 45, tzinfo=UTC).timestamp()
    line = next(x for x in text.splitlines() if x.startswith("monitor_quota_exhausted"))
    assert float(line.rpartition(" ")[2]) == gone
    assert 'quota="calls-per-day"} ' in line


async def test_at_the_reset_the_alert_ends_without_a_report() -> None:
    it = await a_house()
    await it.probe()
    await it.pipeline.counting.report("hf", {"id": "1", "calls": 960, "quota": "calls-per-day"})
    await it.pipeline.sweep()
    assert set(it.firing()) == {"quota-high", "quota-critical"}
    it.clock.step(14 * 3600)
    await it.pipeline.sweep()
    assert not it.firing()
    assert used(it) == 0


async def test_the_status_shows_both_what_is_declared_and_what_the_provider_tells() -> None:
    it = await a_house(house.settings((counting(DAY, asked=True),)))
    told = Quota("credits", Decimal("0.04"), Decimal("0.1"), "USD")
    it.script.answers["hf/quota"] = Finding(Cause.OK, quotas=(told,))
    await it.probe()
    await it.pipeline.counting.report("hf", {"id": "1", "calls": 7})
    await it.pipeline.recount()
    (entry,) = document(it.memory.snapshot(it.clock.now()))["targets"]  # type: ignore[misc]  # a list
    assert [(q["quota"], q["used"]) for q in entry["quotas"]] == [
        ("credits", 0.04), ("calls-per-day", 7),
    ]  # fmt: skip
    assert entry["quotas"][1]["per"] == "day"
    assert entry["quotas"][1]["exhausted_at"] is None
    assert it.script.asked == ["hf/quota"]


async def test_a_declared_quota_is_judged_while_the_provider_cannot_be_asked() -> None:
    it = await a_house(house.settings((counting(DAY, asked=True),)))
    it.script.cause("hf/quota", Cause.TIMED_OUT)
    await it.probe()
    await it.pipeline.counting.report("hf", {"id": "1", "calls": 850})
    await it.pipeline.recount()
    assert it.firing() == {"quota-high": "hf/quota"}


async def test_what_is_counted_here_asks_nobody_and_clears_no_provider() -> None:
    model = house.every(Target("hf", "huggingface", Check.MODEL, "sd"), 60)
    account = counting(DAY)
    it = await a_house(house.settings((replace(account, targets=(model, *account.targets)),)))
    it.script.cause("hf/model/sd", Cause.PROVIDER_ERROR)
    for _ in range(4):
        await it.probe(after=60)
    assert set(it.script.asked) == {"hf/model/sd"}
    assert it.memory.views["hf/quota"].read
    assert "provider-down" in it.firing()


# -- which job burns ------------------------------------------------------------------------


async def test_the_ledgers_burn_is_shared_out_among_the_jobs_reported() -> None:
    it = await a_house(house.settings((house.kie(),)))
    it.script.balance(10000)
    await it.probe(after=60)
    reports = [{"id": str(n), "job": "video"} for n in range(2)]
    await it.pipeline.counting.report(
        "kie", [*reports, {"id": "i", "job": "image", "credits": 30}]
    )
    it.script.balance(9600)
    await it.probe(after=300)
    snapshot = it.memory.snapshot(it.clock.now())
    (entry,) = document(snapshot)["targets"]  # type: ignore[misc]  # a list
    found = entry["jobs_reported"]
    assert (found["spent"], found["not_reported"]) == (400, 100)
    assert found["jobs"] == [
        {"job": "video", "count": 2, "credits": 270, "share": 0.675},
        {"job": "image", "count": 1, "credits": 30, "share": 0.075},
    ]
    assert 'monitor_jobs_reported_total{account="kie",job="video",provider="kie"} 2.0' in (
        metrics_text(snapshot)
    )


async def test_history_tells_which_job_burned(store: SqliteStore, tmp_path: Path) -> None:
    it = await a_house(house.settings((house.kie(),)), store=store)
    it.script.balance(10000)
    await it.probe(after=60)
    await it.pipeline.counting.report("kie", {"id": "a", "job": "video"})
    it.script.balance(9550)
    await it.probe(after=300)
    archive, now = Archive(house.database(tmp_path)), it.clock.now()
    wanted = Wanted("kie/balance", now - timedelta(days=7), UTC, it.settings.accounts[0])
    found = document_of(await recall(archive, wanted, now=now))["jobs_reported"]
    assert found == {
        "since": "2026-11-20T10:00:00Z",
        "jobs": [{"job": "video", "count": 1, "credits": 135, "share": 0.3}],
        "spent": 450,
        "not_reported": 315,
    }


async def test_after_a_restart_the_last_days_spending_is_known(store: SqliteStore) -> None:
    it = await a_house(house.settings((house.kie(),)), store=store)
    it.script.balance(10000)
    await it.probe(after=60)
    await it.pipeline.counting.report("kie", {"id": "a", "job": "video"})
    it.script.balance(9550)
    await it.probe(after=300)
    after = await a_house(house.settings((house.kie(),)), store=store, clock=it.clock)
    (entry,) = document(after.memory.snapshot(it.clock.now()))["targets"]  # type: ignore[misc]  # a list
    assert entry["jobs_reported"]["not_reported"] == 315


# -- kept -----------------------------------------------------------------------------------


async def test_a_restart_and_a_repeat_do_not_double(store: SqliteStore) -> None:
    before = await a_house(store=store)
    async with served(before) as post:
        assert (await post({"id": "a", "calls": 3, "job": "video"})).status_code == 202
    after = await a_house(store=store, clock=before.clock)
    assert used(after) == 3
    async with served(after) as post:
        assert (await post({"id": "a", "calls": 3, "job": "video"})).json()["ignored"] == 1
        await post({"id": "b", "calls": 4, "job": "video"})
    again = await a_house(store=store, clock=before.clock)
    assert used(again) == 7
    assert [h.count for h in again.memory.tallies["hf"].hours()] == [2]


async def test_a_flood_shares_transactions_and_loses_nothing(store: SqliteStore) -> None:
    it = await a_house(store=store)
    commits = 0
    kept = store.commit

    async def commit(batch: object) -> None:
        nonlocal commits
        commits += 1
        await kept(batch)  # type: ignore[arg-type]  # handed on as it came

    store.commit = commit  # type: ignore[method-assign]  # counted on its way
    reports = [it.pipeline.counting.report("hf", {"id": str(n), "calls": 1}) for n in range(500)]
    await asyncio.gather(*reports)
    assert commits < 10
    assert used(await a_house(store=store, clock=it.clock)) == 500


class Failing(SqliteStore):
    """A database that fails for a while."""

    failing = False

    async def commit(self, batch: object) -> None:  # type: ignore[override]  # handed on as it came
        if self.failing:
            raise StoreError("the disk is full")
        await super().commit(batch)  # type: ignore[arg-type]


async def test_what_a_failing_database_has_not_taken_is_kept_when_it_works(tmp_path: Path) -> None:
    store = Failing(house.database(tmp_path))
    it = await a_house(store=store)
    store.failing = True
    found = await it.pipeline.counting.report("hf", {"id": "a", "calls": 3, "job": "video"})
    assert found is not None
    assert found.counted == 1
    store.failing = False
    await it.pipeline.sweep()
    after = await a_house(store=store, clock=it.clock)
    assert used(after) == 3
    again = await after.pipeline.counting.report("hf", {"id": "a", "calls": 3})
    assert again is not None
    assert again.counted == 0
    await store.close()


async def test_old_reports_leave_the_database(store: SqliteStore) -> None:
    it = await a_house(store=store)
    await it.pipeline.counting.report("hf", {"id": "a", "calls": 3, "job": "video"})
    await store.prune(it.clock.now() + timedelta(days=32))
    assert (await store.load(it.clock.now())).counts
    await store.prune(it.clock.now() + timedelta(days=34))
    assert not (await store.load(it.clock.now())).counts


async def test_a_quota_of_another_window_counts_the_same_reports(store: SqliteStore) -> None:
    it = await a_house(store=store)
    await it.pipeline.counting.report("hf", {"id": "a", "calls": 3})
    weekly = replace(DAY, per=Per.WEEK)
    await it.pipeline.reload(house.settings((counting(weekly),)))
    assert used(it) == 3


# -- queries --------------------------------------------------------------------------------


def vector(*values: str) -> bytes:
    result = [{"metric": {}, "value": [1700000000, v]} for v in values]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return wire.answer(json.dumps(body).encode())


async def test_a_query_is_posted_with_the_age_of_its_window_and_the_token() -> None:
    async with wire.serving(wire.says(vector("1234.5"))) as server:
        door = Door()
        ask = querier(door)
        settings = PrometheusSettings(server.url, Secret("planted-token-0009"))
        assert await ask(settings, "sum(increase(x[window]))", 90.4) == Decimal("1234.5")
        await door.aclose()
    (request,) = server.seen
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/query ")
    assert b"planted-token-0009" in head
    assert body == b"query=sum%28increase%28x%5B90s%5D%29%29"


@pytest.mark.parametrize(
    "said",
    [
        vector(),
        vector("1", "2"),
        vector("NaN"),
        vector("-1"),
        vector("+Inf"),
        wire.answer(b"{}"),
        wire.answer(b"<html>"),
        wire.answer(b'{"status":"error","error":"parse error"}', status=400),
        wire.answer(b"", status=503),
    ],
    ids=["none", "two", "nan", "negative", "inf", "empty", "html", "refused", "down"],
)
async def test_what_is_no_single_number_is_not_read_and_never_0(said: bytes) -> None:
    async with wire.serving(wire.says(said)) as server:
        door = Door()
        with pytest.raises(HttpFailure):
            await querier(door)(PrometheusSettings(server.url), "x", 60)
        await door.aclose()


async def test_a_failing_query_leaves_its_quota_unknown_and_keeps_the_alert() -> None:
    quota = replace(DAY, query="sum(x)")
    config = replace(house.settings((counting(quota),)), prometheus=PrometheusSettings("http://p"))
    it = House(config)
    said: list[Decimal | HttpFailure] = [Decimal(960)]

    async def query(server: PrometheusSettings, text: str, age: float) -> Decimal:
        assert (text, age) == ("sum(x)", 36000.0 if len(said) == 1 else 36060.0)
        found = said[-1]
        if isinstance(found, HttpFailure):
            raise found
        return found

    it.pipeline.counting._query = query
    await it.start()
    await it.probe()
    assert used(it) == 960
    said.append(HttpFailure(Cause.TIMED_OUT, "Prometheus does not answer in time"))
    await it.probe(after=60)
    assert used(it) is None
    assert it.memory.views["hf/quota"].cause is Cause.NOT_KNOWABLE
    assert "quota-critical" in it.firing()
    (entry,) = document(it.memory.snapshot(it.clock.now()))["targets"]  # type: ignore[misc]  # a list
    assert "does not answer" in entry["summary"]


# -- the whole daemon -----------------------------------------------------------------------


async def test_a_report_is_judged_without_waiting_for_a_sweep(tmp_path: Path) -> None:
    web = WebSettings(listen=("127.0.0.1", 0))
    config = replace(house.settings((counting(),)), web=web, database=house.database(tmp_path))
    daemon = Daemon(config, lambda: config, env={"RUNTIME_DIRECTORY": str(tmp_path)})

    async def never() -> None:
        await asyncio.Event().wait()

    daemon.pipeline.sweep = never  # type: ignore[method-assign]  # nothing but the report
    running = asyncio.create_task(daemon.run())
    try:
        await asyncio.wait_for(daemon.started.wait(), 10)
        daemon.scheduler.disarm("hf/quota")
        judged = asyncio.Event()
        daemon.pipeline.changed = judged.set
        await daemon.pipeline.counting.report("hf", {"id": "a", "calls": 900})
        await asyncio.wait_for(judged.wait(), 10)
        assert ("quota-high", "hf/quota") in daemon.pipeline.memory.alerts
    finally:
        daemon.stop()
        await asyncio.wait_for(running, 20)


def test_a_daemon_that_is_killed_has_counted_once(tmp_path: Path) -> None:
    with living.world_in_thread() as world:
        web = f'web: {{listen: "127.0.0.1:0", token: {TOKEN}}}\n'
        path = living.config(world, tmp_path, web=web)
        quotas = "    quotas: [{name: calls-per-day, limit: 1000, per: day}]\n    jobs:"
        path.write_text(path.read_text().replace("    jobs:", quotas))
        at = datetime.now(UTC).isoformat()
        report = {"id": "a", "calls": 900, "at": at}
        with living.daemon(path) as first:
            assert post(first, report) == (202, 1)
            first.until(lambda: '{alert="quota-high"' in first.get("/metrics")[1])
            first.kill()
        with living.daemon(path) as second:
            assert post(second, report) == (202, 0)
            line = 'monitor_quota_used{account="kie",provider="kie",quota="calls-per-day"'
            assert f'{line},unit="calls"}} 900.0' in second.get("/metrics")[1]
            assert second.stop() == 0


def post(daemon: living.Living, report: object) -> tuple[int, int]:
    """Status, and how many were counted."""
    answer = httpx.post(
        f"http://127.0.0.1:{daemon.port}/api/v1/usage/kie",
        json=report,
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    return answer.status_code, answer.json()["counted"]
