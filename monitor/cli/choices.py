"""What options may be set to."""

from __future__ import annotations

from enum import StrEnum


class OnceFormat(StrEnum):
    """How `--once` prints."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"
    NAGIOS = "nagios"
    PROMETHEUS = "prometheus"


class DocumentFormat(StrEnum):
    """How a document is printed."""

    TEXT = "text"
    JSON = "json"


class CheckFormat(StrEnum):
    """How faults and warnings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class HistoryFormat(StrEnum):
    """How a history is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class HistoryBy(StrEnum):
    """What a row of a history's CSV stands for."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class FailOn(StrEnum):
    """The least state that still fails."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"


class LogFormat(StrEnum):
    """How logs are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """What is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Colour(StrEnum):
    """When output is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class SmtpTls(StrEnum):
    """How a mail server is reached."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"
