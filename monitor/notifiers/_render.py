"""Rendering a user's template, in a process of its own: `python -I _render.py`.

A thread cannot be stopped, and nothing inside the interpreter can be interrupted in `"x" * 10**10`
or in a loop over loops; the kernel can end a process. This one has no environment, no secrets and
no network of its own making; it reads a template and its values as JSON and writes JSON: `text`,
or `fault`. Nothing but the standard library and Jinja2 is imported, so that it starts fast.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 1024 * 1024  # characters a template may print
_MEMORY = 512 * 1024 * 1024  # bytes of address space
_SECONDS = 1  # of CPU


def environment() -> ImmutableSandboxedEnvironment:
    """Where templates live: no files, no attributes beginning with _, nothing that is not known.

    Without `random` and `lipsum`: a retry has to be the same body. Not optimised: a constant such
    as `"x" * 10**10` would be computed while the template is merely compiled.
    """
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, optimized=False, keep_trailing_newline=True
    )
    made.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    del made.filters["random"]
    del made.globals["lipsum"]
    return made


def rendered(source: str, values: Mapping[str, object]) -> dict[str, str]:
    """`text` that was printed, or the `fault` that stopped it, with its line."""
    from jinja2 import TemplateError

    text, line = "", 0
    try:
        template = environment().from_string(source)
        for piece in template.generate(values):
            text += piece
            if len(text) > LARGEST:
                return {"fault": f"it prints more than {LARGEST} characters"}
    except TemplateError as error:
        line = getattr(error, "lineno", None) or _line(error)
        return {"fault": _said(line, error.message or type(error).__name__)}
    except Exception as error:  # noqa: BLE001 - whatever a template does is said, and survived
        return {"fault": _said(_line(error), f"{type(error).__name__}: {error}")}
    return {"text": text}


def _said(line: int, words: str) -> str:
    return f"line {line}: {words[:300]}" if line else words[:300]


def _line(error: BaseException) -> int:
    """The line of the template: the last frame that is one."""
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def main() -> None:
    """Render what stands on stdin."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    asked = json.load(sys.stdin)
    json.dump(rendered(asked["source"], asked["values"]), sys.stdout)


if __name__ == "__main__":
    main()
