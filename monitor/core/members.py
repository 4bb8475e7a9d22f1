"""What the targets of a provider, and all of them together, show: taken in one by one.

A provider that is down fails at all its targets, and each failure asks anew who is to blame. So
what an answer to that needs is kept in order as views move, and costs the same with two targets
and with two thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from monitor.core.blame import (
    LASTING,
    answered,
    blames_provider,
    failing_since,
    unreached,
)
from monitor.core.causes import Cause
from monitor.core.model import NETWORK_TARGET, Check, provider_target
from monitor.core.ranking import Ranking
from monitor.core.view import Evidence, View

_EPOCH = datetime.fromtimestamp(0, UTC)


class _Ranks:
    """What stands at a member's place in each ranking."""

    def __init__(self) -> None:
        self.interval: Ranking[float] = Ranking()
        self.evidence: Ranking[datetime] = Ranking()  # when what it says was read
        self.good: Ranking[datetime] = Ranking()  # the same, of those that were read
        self.run: Ranking[datetime] = Ranking()  # when its failures began
        self.blamed: Ranking[datetime] = Ranking()  # the same, where they last and blame
        self.cleared: Ranking[datetime] = Ranking()  # when one that tells against it was over

    def forget(self, place: int) -> None:
        """Nobody stands there."""
        self.interval.put(place, None)
        for ranking in (self.evidence, self.good, self.run, self.blamed, self.cleared):
            ranking.put(place, None)


class Members:
    """The members of a derived target in their order; `view()` is how they stand together."""

    def __init__(
        self,
        named: tuple[str, str, str],  # target, account, provider
        views: Iterable[View],
        *,
        blames: Callable[[View], bool],  # whether failures like its, if they last, are its matter
        clears: Callable[[View], bool],  # whether what it found tells against that
    ) -> None:
        self._named, self._blames, self._clears = named, blames, clears
        self._moved: dict[str, View] = {}  # not looked at yet
        self._places: dict[str, int] = {}
        self._views: list[View | None] = []  # by place; None: it says nothing
        self._lasting: set[int] = set()
        self._ranks = _Ranks()
        self._view: View | None = None
        for view in views:
            self.put(view)

    def put(self, view: View) -> None:
        """Take in a member, a new one or as it stands now."""
        self._moved[view.target] = view

    def view(self) -> View:
        """The derived target as its members stand."""
        if self._moved or self._view is None:
            for view in self._moved.values():
                self._take(view)
            self._moved.clear()
            self._view = self._made()
        return self._view

    # -- one by one -------------------------------------------------------------------------

    def _take(self, view: View) -> None:
        place = self._places.setdefault(view.target, len(self._views))
        if place == len(self._views):
            self._views.append(None)
        self._set(place, view if _speaks(view) else None)

    def _set(self, place: int, view: View | None) -> None:
        self._views[place] = view
        self._lasting.discard(place)
        if view is None:
            self._ranks.forget(place)
            return
        began, lasting = failing_since(view), view.failures >= LASTING
        if lasting:
            self._lasting.add(place)
        reading, ranks = view.reading, self._ranks
        good = reading is not None and reading.read
        ranks.evidence.put(place, view.evidence_at)
        ranks.good.put(place, (view.evidence_at or _EPOCH) if good else None)
        ranks.interval.put(place, view.interval)
        ranks.run.put(place, began)
        ranks.blamed.put(place, began if lasting and self._blames(view) else None)
        ranks.cleared.put(place, reading.at if reading and self._clears(view) else None)

    # -- together ---------------------------------------------------------------------------

    def _made(self) -> View:
        target, account, provider = self._named
        members, beside = tuple(filter(None, self._views)), self._beside()
        lasting = self._lasting or any(v.failures >= LASTING for v in beside)
        interval = self._ranks.interval.highest
        newest = self._at(self._ranks.good.leader)
        asked = () if newest else (v.cause for v in members if v.cause is not None)
        return View(
            target=target,
            account=account,
            provider=provider,
            check=None,
            cause=Cause.OK if newest else next(iter(asked), None),
            evidence_at=self._ranks.evidence.highest,
            last_success=newest.last_success if newest else None,
            interval=300.0 if interval is None else interval,
            members=(*members, *beside),
            evidence=Evidence(self._blamed(), refuted=self._refuted(), lasting=bool(lasting)),
        )

    def _at(self, place: int | None) -> View | None:
        return None if place is None else self._views[place]

    def _refuted(self) -> bool:
        """Whether an answer is newer than the beginning of every run of failures."""
        latest, youngest = self._ranks.cleared.highest, self._ranks.run.highest
        return latest is not None and (youngest is None or latest > youngest)

    def _blamed(self) -> View | None:
        """The first that has failed for long while nothing has told against it since."""
        ranking, latest = self._ranks.blamed, self._ranks.cleared.highest
        if ranking.highest is None or (latest is not None and latest > ranking.highest):
            return None
        runs = ((ranking.get(place), view) for place, view in enumerate(self._views))
        return next(v for began, v in runs if began and (latest is None or latest <= began))

    def _beside(self) -> tuple[View, ...]:
        """Members that only explain."""
        return ()


class NetworkMembers(Members):
    """Of `monitor/network`: everything that is asked over it, and the canary."""

    def __init__(self, views: Iterable[View] = ()) -> None:
        named = (NETWORK_TARGET, "monitor", "monitor")
        super().__init__(named, views, blames=unreached, clears=answered)
        self._unreached: defaultdict[str, Ranking[datetime]] = defaultdict(Ranking)
        self._said: set[int] = set()  # whose failures last, and the system says why

    def _set(self, place: int, view: View | None) -> None:
        if (before := self._views[place]) is not None:
            self._unreached[before.provider].put(place, None)
        self._said.discard(place)
        super()._set(place, view)
        if view is None or view.reading is None or not unreached(view):
            return
        self._unreached[view.provider].put(place, view.reading.at)
        if place in self._lasting and view.reading.cause is Cause.NETWORK_OFFLINE:
            self._said.add(place)

    def _blamed(self) -> View | None:
        """The youngest, if another provider (or the canary) has failed the same way since, or
        the system itself says that there is no network."""
        if super()._blamed() is None:
            return None
        began, latest = self._ranks.blamed.highest, [r.highest for r in self._unreached.values()]
        providers = sum(1 for at in latest if at is not None and began is not None and at > began)
        return self._at(self._ranks.blamed.leader) if self._said or providers > 1 else None


class ProviderMembers(Members):
    """Of `PROVIDER/provider`: every target there that is asked. What its status page says, on a
    host of its own, explains, but neither blames nor clears."""

    def __init__(self, provider: str, views: Iterable[View] = ()) -> None:
        named = (provider_target(provider), "", provider)
        super().__init__(named, views, blames=blames_provider, clears=_was_read)
        self._pages: dict[str, View] = {}

    def _take(self, view: View) -> None:
        if view.check is not Check.STATUS:
            super()._take(view)
        elif _speaks(view):
            self._pages[view.target] = view
        else:
            self._pages.pop(view.target, None)

    def _beside(self) -> tuple[View, ...]:
        return tuple(self._pages.values())


def _was_read(view: View) -> bool:
    return view.reading is not None and view.reading.read


def _speaks(view: View) -> bool:
    return view.cause is not Cause.NOT_CONFIGURED and not view.local
