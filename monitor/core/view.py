"""What rules, messages and the status document may see of one target at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from monitor.core.accuracy import Hindsight
from monitor.core.causes import CAUSES, KEY_CAUSES, MONEY_CAUSES, Cause, Standing
from monitor.core.model import Check, Outlook, Quota, Reading


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the members of a provider, or of our network, show together; see `core/members.py`."""

    blamed: View | None = None  # whose failures show that it is down, or that we are offline
    refuted: bool = False  # an answer is newer than the beginning of every run of failures
    lasting: bool = False  # one of them has failed three times in a row


@dataclass(frozen=True, slots=True)
class View:
    """One target as it stands; derived ones (`ACCOUNT/model`, `PROVIDER/provider`) have one too.

    `cause` is the judged one: a balance that was read but does not pay for a job is
    `credits_exhausted`; on `ACCOUNT/key` it is the `key_*` cause any target of the account saw.
    """

    target: str
    account: str
    provider: str
    check: Check | None  # None for a derived target
    subject: str | None = None
    cause: Cause | None = None  # None: no probe has finished yet
    summary: str = ""
    evidence_at: datetime | None = None  # when what this view says was read
    reading: Reading | None = None  # the last finished probe, whatever it found
    last_success: datetime | None = None  # the last probe that read something
    failures: int = 0  # probes in a row that could not read
    failed_from: datetime | None = None  # when the first of these was begun, where that was seen
    streak: int = 0  # readings in a row that were not plainly fine; an unread one changes nothing
    interval: float = 300.0  # seconds: the longest time between two probes
    balance: Decimal | None = None  # the accepted one
    doubted: tuple[Decimal, datetime] | None = None  # what was read last, not believed since then
    unit: str | None = None
    unit_since: datetime | None = None  # when its present series began, after another unit's
    floor: Decimal = Decimal(0)
    outlook: Outlook | None = None
    hindsight: tuple[Hindsight, ...] = ()  # how earlier forecasts have done, by horizon
    jobs_left: Mapping[str, int] = field(default_factory=dict)
    job_titles: Mapping[str, str] = field(default_factory=dict)  # what the config calls them
    main_job: str = ""  # the one of `jobs_left` that messages name
    quotas: tuple[Quota, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    warning: bool = False  # usable, but the summary says what to look at
    watched_since: datetime | None = None  # when this process has asked it for the first time
    key_cause: Cause | None = None  # the account's key is bad: this target says nothing of its own
    members: tuple[View, ...] = ()  # of a derived target
    evidence: Evidence = field(default=Evidence(), repr=False)  # of a provider, of our network
    named: bool = False  # a rule or a service of the user's names this target
    timeout: float = 15.0  # seconds one probe may take
    resting: str = ""  # why it is not asked at present: its budget, or the provider's own wish
    local: bool = False  # nobody is asked: what it says is counted here, and clears nobody

    @property
    def read(self) -> bool:
        """Whether the last probe read anything."""
        return self.cause is not None and CAUSES[self.cause].read

    @property
    def standing(self) -> Standing:
        """Usable, unusable or not read (also before the first probe)."""
        return Standing.NOT_READ if self.cause is None else CAUSES[self.cause].standing

    @property
    def known(self) -> bool:
        """Whether the figures are those of the last probe: it read, and its key is not in doubt.

        A balance refused for want of money, without a number, leaves an older one behind.
        """
        if not self.read or self.key_cause is not None or self.cause in KEY_CAUSES:
            return False
        money = self.check is Check.BALANCE and self.cause in MONEY_CAUSES
        return not money or self.reading is None or self.reading.finding.balance is not None

    @property
    def known_quotas(self) -> tuple[Quota, ...]:
        """Those of the last probe where they are known; declared ones are, whatever it found."""
        return self.quotas if self.known else tuple(q for q in self.quotas if q.declared)

    @property
    def known_balance(self) -> Decimal | None:
        """The accepted balance where the last probe read one, else None: a memory is no answer."""
        return self.balance if self.known else None
