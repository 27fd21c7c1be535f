"""A home and three providers for chaos: a cascade of two dialects, tried in every way a run can be made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIERS = (("small", "openai", "openai/gpt-4o-mini"), ("middle", "anthropic", "anthropic/claude-haiku-4-5"))
TIERS = (*TIERS, ("large", "openai", "openai/gpt-4o"))
KEYS = {"CHAOS_KEY": "sk-chaos-3Vt8yQm2Zr6Lw9Kd"}
MORE_KEYS = {f"CHAOS_KEY_{number}": f"sk-chaos-{number}-Nw5Xr1Tq8Jc" for number in range(1, 4)}
"""A 429 holds up whoever uses its key, so that a storm of them is no fair one with a single key."""
RETRIES = "[retry]\nmax_attempts = 2\nmax_attempts_per_run = 6\nmax_wait = '2s'\n"
BREAKER = "[breaker]\nfailures = 16\nrate = 0.9\nwindow = '10s'\ncooldown = '1s'\n"
"""Wide enough for providers that fail at random three times in ten, and quick to try again."""


@dataclass(frozen=True)
class Far:
    """A chaos provider in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def told(self, **wishes: Any) -> dict[str, Any]:
        """Tell it what to do from now on, and hear what has reached it."""
        data = json.dumps(wishes).encode() if wishes else None
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/chaos", data=data), timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
            return said


@contextmanager
def far(dialect: str = "openai", faults: str = "", *, seed: int = 0, delay_s: float = 0.0) -> Iterator[Far]:
    """Start a provider process, and end it."""
    arguments = ["--dialect", dialect, "--faults", faults, "--seed", str(seed), "--delay", str(delay_s)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.provider", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield Far(f"http://127.0.0.1:{int(process.stdout.readline())}", process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def profile(
    urls: list[str], *, timeout_s: float = 2.0, more: str = RETRIES + BREAKER, keys: Iterable[str] = KEYS
) -> str:
    """Three priced tiers as a cascade, with and without a check of the answer."""
    named = json.dumps([f"env:{key}" for key in keys])
    models = "".join(
        _model(*tier, url=url, timeout_s=timeout_s, keys=named) for tier, url in zip(TIERS, urls, strict=True)
    )
    tiers = json.dumps([name for name, _, _ in TIERS])
    check = "{ kind = 'regex', pattern = '^begin [0-9a-f]{16} .* end [0-9a-f]{16}$' }"
    return (
        f"schema = 1\n{models}{more}[cascades.plain]\ntiers = {tiers}\n"
        f"[cascades.checked]\ntiers = {tiers}\naccept = [{check}]\n"
        "[routes.default]\nuse = 'plain'\n[routes.checked]\nuse = 'checked'\n"
    )


def _model(name: str, dialect: str, model: str, *, url: str, timeout_s: float, keys: str) -> str:
    path = "/v1" if dialect == "openai" else ""
    return (
        f"[models.{name}]\nbackend = 'litellm'\nmodel = '{model}'\nbase_url = '{url}{path}'\n"
        f"keys = {keys}\ntimeout_s = {timeout_s}\nprice = {{ input = 1.0, output = 2.0 }}\n"
    )


def environment(root: Path) -> dict[str, str]:
    """An environment whose folders are all below `root`, and which leads nowhere but to loopback."""
    folders = {f"SYNAPSE_{kind.upper()}_DIR": str(root / kind) for kind in ("config", "cache", "state")}
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return {
        **path,
        "HOME": str(root),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost",
        **nowhere,
        **folders,
        **KEYS,
        **MORE_KEYS,
    }
