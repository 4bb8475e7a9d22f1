"""What a config value may look like: its reader and its JSON Schema, as one type."""

from __future__ import annotations

from datetime import datetime, time, tzinfo
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema

from monitor.config.calls import PATTERN as PATTERN_OF_CALLS
from monitor.config.calls import read_calls
from monitor.config.places import (
    MEMBER,
    MEMBERS,
    read_member,
    read_members,
    read_pattern,
    read_value,
)
from monitor.config.readers import (
    choice,
    not_empty,
    read_clock,
    read_count,
    read_duration,
    read_flag,
    read_floor,
    read_integer,
    read_interval,
    read_listen,
    read_number,
    read_period,
    read_port,
    read_positive,
    read_rate,
    read_secret,
    read_text,
    read_url,
    read_whole_url,
    read_words,
    several,
)
from monitor.config.timetables import (
    HOURS_PATTERN,
    MOMENT_PATTERN,
    read_local,
    read_moment,
    read_stretch,
)
from monitor.config.zones import read_zone
from monitor.core.causes import Severity
from monitor.core.durations import PATTERN
from monitor.core.secret import Secret
from monitor.core.settings import Interval
from monitor.core.timetable import Moment, Stretch
from monitor.core.windows import Per

SchemaDict = dict[str, object]

VARIABLE = r"\$\{"  # every scalar may come from the environment
_DURATION = PATTERN.strip("^$")


def pattern(title: str, regex: str, **more: object) -> SchemaDict:
    """The JSON Schema of text of one shape, or of a variable."""
    return {"title": title, "type": "string", "pattern": f"^(?:{regex})$|{VARIABLE}", **more}


def number(title: str, *, integer: bool = False, **more: object) -> SchemaDict:
    """The JSON Schema of a number, or of a variable."""
    kind = "integer" if integer else "number"
    return {"title": title, "type": [kind, "string"], "pattern": VARIABLE, **more}


def text(title: str) -> SchemaDict:
    """The JSON Schema of text that is not empty."""
    return {"title": title, "type": "string", "minLength": 1}


def options(*names: str) -> SchemaDict:
    """The JSON Schema of one of `names`, or of a variable."""
    either: list[SchemaDict] = [{"enum": list(names)}, {"type": "string", "pattern": VARIABLE}]
    return {"title": " or ".join(names), "anyOf": either}


def listed(item: SchemaDict, title: str, *, least: int = 1) -> SchemaDict:
    """The JSON Schema of a list of different things, or of one alone."""
    many: SchemaDict = {"type": "array", "items": item, "minItems": least, "uniqueItems": True}
    return {"title": title, "anyOf": [many, item]}


def _per(value: object) -> str:
    return choice(value, [p.value for p in Per])


def _severity(value: object) -> Severity:
    return Severity(choice(value, [s.value for s in Severity]))


def _need(value: object) -> str:
    return choice(value, ["inference"])


_RANGE = r"[0-9][0-9a-z]*( ?\.\. ?[0-9][0-9a-z]*)?"
FLAG: SchemaDict = {
    "title": "true or false",
    "type": ["boolean", "string"],
    "pattern": VARIABLE,
}
_SECRET: SchemaDict = {"title": "secret", "type": ["string", "null"]}
_RATES = pattern("rate", r"[0-9]+(\.[0-9]+)? ?/ ?(hour|h|day|d|week|w)")
Text = Annotated[str, PlainValidator(read_text), WithJsonSchema(text("text"))]
Words = Annotated[str, PlainValidator(read_words), WithJsonSchema(text("text"))]
SecretText = Annotated[Secret, PlainValidator(read_secret), WithJsonSchema(_SECRET)]
File = Annotated[str, PlainValidator(read_text), WithJsonSchema(text("path"))]
Flag = Annotated[bool, PlainValidator(read_flag), WithJsonSchema(FLAG)]
Number = Annotated[Decimal, PlainValidator(read_number), WithJsonSchema(number("number"))]
Integer = Annotated[
    int, PlainValidator(read_integer), WithJsonSchema(number("whole number", integer=True))
]
Count = Annotated[
    int,
    PlainValidator(read_count),
    WithJsonSchema(number("whole number from 1 up", integer=True, minimum=1, maximum=1000)),
]
Port = Annotated[
    int,
    PlainValidator(read_port),
    WithJsonSchema(number("port", integer=True, minimum=1, maximum=65535)),
]
Price = Annotated[
    Decimal,
    PlainValidator(read_positive),
    WithJsonSchema(number("number above 0", exclusiveMinimum=0)),
]
_PRICE: SchemaDict = number("number above 0", exclusiveMinimum=0)
_JOB: SchemaDict = {
    "type": "object",
    "properties": {
        "price": _PRICE | {"description": "credits per job"},
        "title": text("text") | {"description": "what people call several of them"},
    },
    "required": ["price"],
    "additionalProperties": False,
}
JOB: SchemaDict = {"title": "number above 0, or a block", "anyOf": [_PRICE, _JOB]}
Floor = Annotated[
    Decimal, PlainValidator(read_floor), WithJsonSchema(number("number from 0 up", minimum=0))
]
Duration = Annotated[
    float, PlainValidator(read_duration), WithJsonSchema(pattern("duration", _DURATION))
]
Period = Annotated[
    float, PlainValidator(read_period), WithJsonSchema(pattern("duration from 1s up", _DURATION))
]
Range = Annotated[
    Interval, PlainValidator(read_interval), WithJsonSchema(pattern("interval", _RANGE))
]
Calls = Annotated[
    int, PlainValidator(read_calls), WithJsonSchema(pattern("calls a day", PATTERN_OF_CALLS))
]
Rate = Annotated[Decimal, PlainValidator(read_rate), WithJsonSchema(_RATES)]
_URL = pattern("URL", "https?://.+")
_MEMBER = pattern("path in the answer", MEMBER.pattern)
_SUMMAND = pattern("path in the answer", MEMBERS.pattern)
_VALUE: SchemaDict = {"title": "value", "type": ["string", "number", "boolean"]}
Url = Annotated[str, PlainValidator(read_url), WithJsonSchema(_URL)]
WholeUrl = Annotated[str, PlainValidator(read_whole_url), WithJsonSchema(_URL)]
Member = Annotated[str, PlainValidator(read_member), WithJsonSchema(_MEMBER)]
Members = Annotated[
    list[Annotated[str, PlainValidator(read_members)]],
    BeforeValidator(several),
    AfterValidator(not_empty),
    WithJsonSchema(listed(_SUMMAND, "path in the answer, or a list of them")),
]
Pattern = Annotated[str, PlainValidator(read_pattern), WithJsonSchema(text("regular expression"))]
Value = Annotated[str, PlainValidator(read_value), WithJsonSchema(_VALUE)]
Listen = Annotated[
    tuple[str, int],
    PlainValidator(read_listen),
    WithJsonSchema(pattern("HOST:PORT", r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+):[0-9]{1,5}")),
]
Clock = Annotated[
    time,
    PlainValidator(read_clock),
    # Without quotes YAML 1.1 reads some of them as a number of minutes.
    WithJsonSchema({"title": "HH:MM", "type": ["string", "integer"]}),
]
Window = Annotated[str, PlainValidator(_per), WithJsonSchema(options(*(p.value for p in Per)))]
Zone = Annotated[tzinfo, PlainValidator(read_zone), WithJsonSchema(text("time zone"))]
_HOURS = pattern("hours of the week", HOURS_PATTERN)
_EVERY = pattern("days and a time", MOMENT_PATTERN)
WeekHours = Annotated[
    list[Annotated[Stretch, PlainValidator(read_stretch)]],
    BeforeValidator(several),
    AfterValidator(not_empty),
    WithJsonSchema(listed(_HOURS, "hours of the week, or a list of them")),
]
Moments = Annotated[
    list[Annotated[Moment, PlainValidator(read_moment)]],
    BeforeValidator(several),
    AfterValidator(not_empty),
    WithJsonSchema(listed(_EVERY, "days and a time, or a list of them")),
]
Local = Annotated[datetime, PlainValidator(read_local), WithJsonSchema(text("date and time"))]
_LEVELS = options(*(s.value for s in Severity))

Level = Annotated[Severity, PlainValidator(_severity), WithJsonSchema(_LEVELS)]
Texts = Annotated[
    list[Text],
    BeforeValidator(several),
    AfterValidator(not_empty),
    WithJsonSchema(listed(text("text"), "list of text")),
]
Levels = Annotated[
    list[Level],
    BeforeValidator(several),
    WithJsonSchema(listed(_LEVELS, "list of severities", least=0)),
]
Needs = Annotated[
    list[Annotated[str, PlainValidator(_need)]],
    BeforeValidator(several),
    AfterValidator(not_empty),
    WithJsonSchema(listed(options("inference"), "list of: inference")),
]
