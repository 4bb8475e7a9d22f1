"""The command line. Results go to stdout, logs to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from monitor.cli import garbage
from monitor.cli.streams import hold, let_go, unwritable

USAGE, BAD_INPUT, OUR_FAULT, BAD_CONFIG, INTERRUPTED = 64, 65, 70, 78, 130

_GLOBAL = ("--config", "--database", "--log-format", "--log-level", "--color")
_EVERY = "2s"  # what --watch is without a value


class Refusal(Exception):
    """A command cannot do what was asked: one line for the user, and the exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def hoist(argv: Sequence[str]) -> list[str]:
    """Global options may stand before or after the command: move them to the front."""
    front: list[str] = []
    rest: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            rest += [word, *words]
            break
        name, has_value, _ = word.partition("=")
        if name not in _GLOBAL:
            rest.append(word)
        elif has_value or not words:
            front.append(word)
        else:
            front += [word, words.pop(0)]
    return front + rest


def complete_watch(words: Sequence[str]) -> list[str]:
    """`--watch` may stand without a value, which the parser of the command line cannot know."""
    found: list[str] = []
    for word, after in zip(words, (*words[1:], ""), strict=False):
        bare = word == "--watch" and (not after or (after[0] == "-" and not after[1:2].isdigit()))
        found.append(f"--watch={_EVERY}" if bare else word)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; without `argv` it is the whole process."""
    if argv is not None:
        sys.exit(_flushed(argv))
    garbage.start()
    code = _flushed(sys.argv[1:])
    garbage.end()
    sys.exit(code)


def _flushed(argv: Sequence[str]) -> int:
    hold()
    code = _ended(complete_watch(hoist(argv)))
    try:
        sys.stdout.flush()
    except OSError as error:
        code = _lost(error, code)
    return code


def _ended(words: list[str]) -> int:
    """The exit code of the command, whatever ends it."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return refusal.code
    except SystemExit as end:  # typer's way to end where a pipe breaks, or all is said
        if isinstance(end.__context__, BrokenPipeError):
            return _lost(end.__context__, 0)
        return end.code if isinstance(end.code, int) else 0
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and not unwritable(error):
            return _defect()
        return _lost(error, 0)
    except Exception:  # noqa: BLE001 - Python's own code for it would say "a warning" to CI
        return _defect()


def _defect() -> int:
    """What nobody foresaw, as it is raised."""
    import traceback

    traceback.print_exc()
    sys.stderr.write("this is a defect of monitor\n")
    return OUR_FAULT


def _lost(error: OSError, code: int) -> int:
    """Output that was not written: a reader may have seen enough, a full disk is said."""
    let_go()
    if isinstance(error, BrokenPipeError):  # `monitor status | head`
        return code
    sys.stderr.write(f"the output cannot be written: {error.strerror}\n")
    return BAD_INPUT


def _run(words: list[str]) -> int:
    from typer.main import get_command

    from monitor.cli.commands import app
    from monitor.cli.errors import as_refusal, plain, usage_error

    try:
        result = get_command(app).main(words, prog_name="monitor", standalone_mode=False)
    except Exception as error:
        if usage_error(error):
            plain(error)
            error.show()  # type: ignore[attr-defined]  # click's, known by its name
            return USAGE
        refusal = as_refusal(error)
        if refusal is None:
            raise
        raise refusal from error
    return result if isinstance(result, int) else 0
