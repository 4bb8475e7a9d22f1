"""`monitor demo`: the story told in the terminal."""

from __future__ import annotations

import asyncio
import errno

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from monitor.cli import OUR_FAULT, Refusal, garbage

_BARS = " ▁▂▃▄▅▆▇█"


class Narrator:
    """Prints what happens; the critical mail in full, others by their first lines."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._balances: list[float] = []
        self._shown_critical = False

    def say(self, kind: str, text: str) -> None:
        """One thing that happened."""
        getattr(self, f"_{kind}")(text)

    def _page(self, address: str) -> None:
        self._console.print(
            "A simulated Hugging Face and KIE, watched by the real monitor. "
            "An hour of the story takes three seconds."
        )
        self._console.print(f"The page, live: [bold]{address}[/]   metrics: {address}metrics\n")

    def _world(self, text: str) -> None:
        self._console.print("A config of your own can watch this world as well, with these:")
        self._console.print(Text(text.rstrip(), style="dim"), soft_wrap=True)

    def _story(self, text: str) -> None:
        self._console.print(f"\n[bold cyan]▶ {text}[/]")

    def _figures(self, text: str) -> None:
        time, balance, runway = text.split("|")
        self._balances.append(float(balance))
        line = Text(f"{time}  {float(balance):>9.2f} credits  ")
        line.append(sparkline(self._balances), style="green")
        line.append(f"  {runway}")
        self._console.print(line)

    def _mail(self, text: str) -> None:
        subject, _, body = text.partition("\n")
        self._panel(subject, "\n".join(body.strip().splitlines()[:3]), "yellow")

    def _resolved(self, text: str) -> None:
        subject, _, body = text.partition("\n")
        self._panel(subject, "\n".join(body.strip().splitlines()[:3]), "green")

    def _critical(self, text: str) -> None:
        subject, _, body = text.partition("\n")
        whole = body.strip() if not self._shown_critical else body.strip().splitlines()[0]
        self._shown_critical = True
        self._panel(subject, whole, "red")

    def _panel(self, subject: str, body: str, colour: str) -> None:
        title = Text(f"mail to oncall@example.com: {subject}", style="bold")
        self._console.print(Panel(Text(body), title=title, title_align="left", style=colour))

    def _done(self, text: str) -> None:
        self._console.print(f"\n{text}")


def sparkline(values: list[float], width: int = 24) -> str:
    """The last `width` values as bars from nothing to the highest."""
    shown = values[-width:]
    top = max(shown, default=0) or 1
    return "".join(_BARS[round(max(0.0, v) / top * (len(_BARS) - 1))] for v in shown)


def run(*, until_done: bool, port: int) -> int:
    """0 if the story came out right, 1 if not."""
    from monitor import logs

    try:
        from monitor.demo.story import Story
    except ModuleNotFoundError as error:
        raise Refusal(
            f"the demo needs {error.name}: pip install aiosmtpd h11, beside monitor", OUR_FAULT
        ) from error
    logs.configure("text", "error")
    narrator = Narrator()
    story = Story(narrator.say, port=port)
    garbage.stay()
    try:
        right = asyncio.run(story.run(until_done=until_done))
    except OSError as error:
        words = f"port {port} is taken: monitor demo --port 0 takes a free one"
        taken = error.errno == errno.EADDRINUSE
        raise Refusal(words if taken else str(error), OUR_FAULT) from error
    if right:
        narrator.say("done", "The story came out right.")
        return 0
    for text in story.chapters.missing:
        narrator.say("done", f"Not seen: {text}.")
    return 1
