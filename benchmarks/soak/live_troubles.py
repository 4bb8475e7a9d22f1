"""What goes wrong for the real daemon, and the config it lives through that with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

from benchmarks.soak.post import Post
from monitor.demo.world import World

_MODEL = "black-forest-labs/FLUX.1-schnell"
BALANCE, _KEY = "kie/balance", "huggingface/key"
_TURNS = count()  # no balance comes twice: the ledger would take that for a misread one


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong for a while; `alert` on `target` has to be told meanwhile."""

    name: str
    begin: Callable[[World], object]
    end: Callable[[World], object]
    alert: str
    target: str


def _kie(name: str, fault: str) -> Trouble:
    return Trouble(
        f"KIE: {name}",
        lambda w: setattr(w.kie, "fault", fault),
        lambda w: setattr(w.kie, "fault", None),
        "balance-unreadable",
        BALANCE,
    )


def _balance(name: str, answer: str, alert: str, target: str) -> Trouble:
    return Trouble(
        f"KIE: {name}",
        lambda w: setattr(w.kie, "answer", answer),
        lambda w: setattr(w.kie, "answer", "ok"),
        alert,
        target,
    )


TROUBLES = (
    Trouble("KIE: low", lambda w: setattr(w.kie, "balance", Decimal(9000 - 25 * next(_TURNS))),
            lambda w: w.kie.top_up(5000 + 25 * next(_TURNS)), "kie-credits-low", BALANCE),
    _balance("credits refused", "insufficient-402", "credits-exhausted", BALANCE),
    _balance("key refused", "unauthorized", "key-rejected", "kie/key"),
    _kie("HTML", "html"), _kie("a bomb", "gzip-bomb"), _kie("a gigabyte", "gigabyte"),
    Trouble("KIE: hangs", lambda w: setattr(w.kie, "fault", "hang"),
            lambda w: setattr(w.kie, "fault", None), "provider-down", "kie/provider"),
    Trouble("KIE: down", lambda w: setattr(w.kie, "fault", "refused"),
            lambda w: setattr(w.kie, "fault", None), "provider-down", "kie/provider"),
    Trouble("Hugging Face: key refused", lambda w: setattr(w.huggingface, "token", "rejected"),
            lambda w: setattr(w.huggingface, "token", "ok"), "key-rejected", _KEY),
    Trouble("Hugging Face: model retired", lambda w: w.huggingface.retire(_MODEL),
            lambda w: w.huggingface.set_model(_MODEL, "live"), "model-unavailable",
            f"huggingface/model/{_MODEL}"),
    Trouble("Hugging Face: HTTP 520", lambda w: setattr(w.huggingface, "fault", "html-520"),
            lambda w: setattr(w.huggingface, "fault", None), "provider-down",
            "huggingface/provider"),
)  # fmt: skip


def config(world: World, post: Post, folder: Path) -> Path:
    """Two accounts at a second, and who is told. Each turn is a story of its own: no damping."""
    path = folder / "monitor.yaml"
    path.write_text(f"""
accounts:
  huggingface:
    key: hf_demo-key
    base_url: {world.huggingface_url}
    router_url: {world.router_url}
    status_url: {world.status_url}
    timeout: 2s
    checks: [key, model, quota]
    models: [stabilityai/stable-diffusion-3-medium-diffusers, {_MODEL}]
    key_check: {{interval: 1s}}
    model: {{interval: 1s}}
    quota: {{interval: 1s}}
  kie:
    key: kie-demo-key
    base_url: {world.kie_url}
    balance: {{interval: 1s, timeout: 2s}}
    jobs: {{sora-2-pro-720p-15s: 135}}
    usage: {{sora-2-pro-720p-15s: 4/day}}
alerts:
  - {{name: kie-credits-low, on: kie/balance, when: balance < 10000}}
  - {{name: burn-spike, enabled: false}}
  - {{name: runway-short, enabled: false}}
  - {{name: runway-critical, enabled: false}}
flapping: off
receivers:
  oncall:
    email:
      to: [oncall@example.com, second@example.com]
      from: monitor@example.com
      smtp: {{host: 127.0.0.1, port: {post.port}, tls: none}}
web: {{listen: "127.0.0.1:0"}}
database: monitor.db
""")
    return path
