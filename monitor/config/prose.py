"""What the reference says between its tables."""

from __future__ import annotations

INTRODUCTION = """
# Config reference

This file is written from the code by `monitor.config.reference`; a test holds the two equal.
`monitor check-config` prints every fault of a config, or the effective config with its secrets
masked. `monitor schema` prints the JSON Schema; with the first line of `config.yaml` an editor
with a YAML language server completes keys and marks faults while you type.

**Variables.** `${NAME}` is the value of an environment variable, `${NAME:-default}` has a default
for one that is unset or empty, `$$` is a dollar sign. They are put in after parsing, in text only
(not in keys, not in numbers), so that a secret can never become YAML. A value that comes from a
variable is taken for the number, duration or flag its key wants. An unset variable is a fault for
the commands that need it: the daemon, `--once --notify` and `check-config` need all; `--once`
those of the accounts it asks, and no receiver's; `explain` those of one account, `test-receiver`
those of one receiver; the others none. `check-config --no-secrets` passes over it. A value that is
nothing but `$NAME` or `%NAME%` is taken as it stands, with a warning: braces were forgotten.

**Secrets.** Every key whose value is a secret has a twin `KEY_file` that names a file with the
secret in it: relative to `$CREDENTIALS_DIRECTORY` if that is set, else to the config's directory.
Line breaks at its end are dropped. Both together is a fault. No secret is ever printed.

**Keys that change.** When a provider refuses a key, its `key_file` (and the file of any other
secret of the account) is read again before that is believed, with the path as it is written, so
that a file that was replaced, a symlink that was exchanged or a new `$CREDENTIALS_DIRECTORY` entry
is seen. Another key in it is asked with at once and used for all the account's targets; nobody is
told of a key that was only rotated. While a key is refused its file is looked at every 15 seconds.
A file that does not answer within 2 seconds, or holds no credential, changes nothing. What
receivers and `web` hold takes a reload.

**Keys that look wrong.** Blanks, line breaks or quotes around a key, `Bearer` before it, or a
beginning that is not the provider's are no faults but warnings (below), never with a part of the
key. Blanks and line breaks around it are left out.

**Values.** A duration is `500ms`, `30s`, `5m`, `1h30m`, `7d`. An interval is a duration from `1s`
up, or a range such as `1m..15m`. A rate is `40/day`, `2/h` or `280/week`. Paths are relative to
the config's directory. Where a list of text is wanted, one text may stand alone. Text that YAML
takes for something else (`no`, `010`, `12:30:00`, `2026-01-01`) must stand in quotes. Anchors,
aliases and `<<` are understood, other tags are not.
"""

ACCOUNTS = """
An account is one credential at one provider. Its name is free (`[a-z0-9._-]+`); `provider`
defaults to it. An account whose key is absent or empty is `not_configured`; the others run.

Its targets are `ACCOUNT/key`, `ACCOUNT/model/ID`, `ACCOUNT/balance`, `ACCOUNT/quota`,
`ACCOUNT/status` and `ACCOUNT/inference/ID`, as far as its provider can be asked. Without `checks`
it is asked all that the provider is asked by itself, and every check that has a block of its own.

**Intervals.** The check's own block, else the account's `interval`, else the one the provider
declares, else `defaults`. Only a check's own block may go below the minimum the provider declares;
a shorter interval from the account or from `defaults` is raised to that minimum. Where more than
500 targets are new at once, each is asked for the second time after half of its interval or more:
else they came in a wave for ever. **Timeouts.** The check's own block, else the account's, else
`defaults`.

**A range.** Within `1m..15m` a balance is probed as often as it is likely to fall to the next line
somebody watches: a rule's on `balance` or `jobs_left`, or the floor. Nearer together as the runway
shortens (four times until P10 at the least), as burn rises and while jobs are under way; at the
longest while the line is out of reach. What fails, and a fall that is not believed yet, is asked
again after the shortest; what is out of credits after as long again as it has been out. A rejected
key and a limit are not asked for sooner, and a `Retry-After` is kept. What it saves is
[measured](../benchmarks/README.md#how-often-is-asked).

**Calls.** `calls: 2000/day` is the most requests an account is asked with from midnight to
midnight UTC (`100/h` is 2400 a day). Where its targets together want more than is left, each waits
longer, beyond the longest of its interval too, so that what is left lasts until midnight. When it
is used up nothing is probed until then: the status says so, no target is stale for it, and
`monitor_calls_today` and `monitor_calls_budget` show it. Only the first probe of each target after
a start, `POST /api/v1/probe`, and the one question with a key that was just changed are asked all
the same; they count. The count is kept in memory: a start takes the part of the day that is past
as used, so that no number of restarts goes far above a day's budget.

**Limits.** Where a provider answers 429 with `Retry-After` (or `RateLimit`), all of the account
that it limits together (balance, models, quota, and the key's own call) is left alone for that
long, an hour at most.

A URL (`base_url`, and whatever else the provider lists) replaces scheme, host and port; paths stay
as documented. Over `http://` only a loopback address may be asked, since the key would be readable
on its way.
"""

QUOTAS = """
A quota stands on `ACCOUNT/quota`, beside those the provider tells, and is judged by the same
rules. Without a `query` its use is unknown until the application has reported once:
[usage](usage.md). With one it is unknown while the query gives no single number.
"""

SERVICES = """
Globs are resolved against the targets there are, in the config's order; `*` crosses `/`. The first
target of `any` usable: up; another: degraded; none: down. One of `needs` unusable: down.
"""

ALERTS = """
`on` is a target or a glob. Beside the accounts' own there are derived targets: `ACCOUNT/key`,
`ACCOUNT/model` (all its models), `PROVIDER/provider`, `monitor/network`, `monitor/store`,
`monitor/receiver/NAME`.

`when` is one comparison: `balance`, `burn`, `runway`, `jobs_left(NAME)`, `quota_left`,
`quota_used`, `failures`, `latency` or `age`, with `<`, `<=`, `>`, `>=` and a value in that
measure's unit (`10000`, `24h`, `500/h`, `3x usual` for burn, `80%`, `3`, `5s`); or
`cause is NAME`, `cause in [A, B]`; or `unavailable`. Two conditions are two rules. `runway` is its
25th percentile; `runway(p10)`, `runway(p50)` and `runway(p90)` say otherwise.

An alert with the name of a built-in rule replaces it as a whole;
`{name: burn-spike, enabled: false}` switches one off.
"""

ONCE = """
Three built-in rules say what happened, which is neither open nor over. Their entry has no `when`:
`{name: topped-up, enabled: true}` switches one on, `{name: unit-changed, enabled: false}` one
off, `severity` and `on` say whom it reaches. A notice is told once to each address that was
configured when it happened, late if it could not be told before, and not at all after 7 days; a
silence delays it. It is never acknowledged, reminded of or resolved, and a receiver with
`escalate_after` hears of none. To a webhook its `status` is `firing` with an `endsAt` five
minutes later; its `fingerprint`, its `groupKey` and its label `notice` are its own, so that no
receiver takes two for one.

A balance that comes in another unit than before is not believed, and counts as not read
(`answer_malformed`), until three readings in a row agree; then a new series begins, and
`unit-changed` names the rules whose thresholds were written for the old unit. Each run of odd
readings doubles what the next one needs, up to 24.

`key-changed` tells of a plan that has ended, a role or a permission that is another, an end that
has moved, as far as the provider says it of a key that it accepts; of what is for the better alone
with severity info. `key-expires` is an alert as others are: it opens 7 days before a key's end and
is over when a key that lasts longer is in its place.
"""

FLAPPING = """
An alert that has opened and closed more than `more_than` times `within` so long flaps: when it
opens again, its incident stays open whatever it does, and single turns are not told. It ends when
the alert has been fine for the whole of `within`, and is an ordinary incident again when the alert
has stood for as long. `flapping: off` tells every turn. More: [the life of an alert](alerts.md).
"""

RECEIVERS = """
A receiver has exactly one way of telling, which is a block of its own. Without any receiver nobody
is told: metrics and the page work all the same.
[Who hears, and when](receivers.md) tells how these keys work together.

**Hours** are weekdays and times, `Mon-Fri 08:00-18:00`, `Sat,Sun 10:00-14:00`, `22:00-07:00`
(every day, over midnight: it belongs to the day it begins on), `Sat-Sun` (whole days), or a list
of such. **Moments** are days and a time: `Mon 09:00`, `Mon,Thu 09:00`, `Mon-Fri 09:00`,
`daily 09:00`, `1st 09:00`, `last 09:00` (of the month; a `31st` comes only in months that have
one), or a list of such. Both are in the block's `timezone`, else in the config's.
"""

MAINTENANCE = """
A maintenance window mutes telling as a silence does, never state: what still stands at its end is
told then, and a `resolved` is only delayed. It comes `every` so often and lasts `for` so long, or
once, `from` and `until`. [Who hears, and when](receivers.md#maintenance) has examples.

A start that the clocks jump over in spring is the moment they jump; one that comes twice in autumn
is the first of the two. `for` is the time that really passes.
"""

WEB = """
Loopback by default. A wider address without `users` or `config_file` is a fault unless
`allow_unauthenticated: true`. `external_url` requires users unless that is said. `config_file` is
the same file that Prometheus and its exporters take; [http.md](http.md) says what of it is heeded.
`services_listen` may be any address: what it shows is meant for customers.
"""

HEARTBEAT = """
A daemon that is dead says nothing. A switch outside, such as Healthchecks, is called as long as
this one works, and alerts when the calls stop: [watching the watcher](watching-the-watcher.md).
"""

FAULTS = """
## Faults

All faults are reported at once, one a line, exit code 78:
`config.yaml:12:5: accounts.kie.intervall: unknown key, did you mean interval?` - file, line and
column of the value at fault (of the key, where that is unknown or a duplicate), the path of the
key, and what is wrong.

## Warnings

What is legal and yet unwise stops nothing. `check-config` says it on stderr and exits 0, the
daemon in its log at the start and at a reload:
`config.yaml:5:27: accounts.kie.balance.interval: warning: every 1s is more often than ...`

- an `interval` in a check's own block below the provider's minimum; a balance read less often than
  a rule about its runway needs
- a `floor` under the dearest job in `usage`
- a rule that can never fire: only on accounts that are disabled, a quota's measure where there is
  no quota, more than all of one, a latency beyond the timeout, a balance at or under the floor
  (`credits-exhausted` comes first); a `clear` without effect
- a critical built-in rule that is switched off, or replaced by a less severe one
- no receiver at all; one that no rule can reach; all of them with `escalate_after`;
  `remind_every` shorter than the interval of what it hears of
- a service that counts on a target of a disabled account
- a key that looks wrong; a secret's file that every user of the machine can read
"""
