"""Which targets another config arms anew, and that this is cheap for thousands."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from house import every, huggingface, kie, settings

from monitor.core.model import Check, Target
from monitor.core.settings import Account
from monitor.reloading import changed


def test_targets_of_accounts_that_are_new_or_not_as_they_were_are_armed_anew() -> None:
    old = settings((kie(), huggingface()))
    new = settings((kie(floor=Decimal(1)), huggingface(), account("other")))
    assert [t.target.name for t in changed(old, new)] == ["kie/balance", "other/balance"]
    assert changed(new, new) == []
    assert changed(new, old) == list(kie().targets)


def account(name: str) -> Account:
    return kie(name=name, targets=(every(Target(name, "kie", Check.BALANCE)),))


class Compared(str):
    """A name that counts how often names are compared."""

    times = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)


def test_each_account_is_compared_with_itself_alone() -> None:
    old = settings(tuple(account(Compared(f"a{n}")) for n in range(100)))
    new = settings(
        tuple(
            replace(
                a, name=Compared(a.name), targets=tuple(replace(t, timeout=1.0) for t in a.targets)
            )
            for a in old.accounts
        )
    )
    Compared.times = 0
    assert len(changed(old, new)) == 100
    assert Compared.times < 10 * 100
