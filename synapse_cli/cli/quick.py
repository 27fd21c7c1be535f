"""Read the plain command lines of `run`, which are nearly all of them, without loading Typer.

Loading Typer costs a run half of its CPU. Whatever is not plain here (help, a mistake, flags run together) is left
to it, and a test holds both to read every plain command line the same.
"""

from __future__ import annotations

from synapse_cli.cli.flags import Flags

TEXTS = {
    "-s": "system",
    "--system": "system",
    "-t": "template",
    "--template": "template",
    "--schema": "schema",
    "--choices": "choices",
    "--grammar": "grammar",
    "--encoding": "encoding",
    "--effort": "effort",
    "-m": "model",
    "--model": "model",
    "-r": "route",
    "--route": "route",
    "--task": "task",
    "--tier": "tier",
    "--max-tier": "max_tier",
    "--max-latency": "max_latency",
    "--min-quality": "min_quality",
    "--profile": "profile",
    "--tenant": "tenant",
    "--max-cost": "max_cost",
    "--timeout": "timeout",
    "--cache-ttl": "cache_ttl",
    "-o": "output",
    "--output": "output",
}
"""Flags that take a text, the last one wins."""

LISTS = {"-f": "file", "--file": "file", "-p": "param_of_template", "--param": "param", "--tag": "tag"}
"""Flags that take a text, each one counts."""

SWITCHES = {
    "--local-only": ("local_only", True),
    "--hosted-only": ("hosted_only", True),
    "--no-host": ("no_host", True),
    "--force": ("force", True),
    "--no-cache": ("no_cache", True),
    "--refresh": ("refresh", True),
    "--cache-only": ("cache_only", True),
    "--no-log": ("no_log", True),
    "-x": ("extract", True),
    "--extract": ("extract", True),
    "--stream": ("stream", True),
    "--no-stream": ("stream", False),
    "--json": ("json", True),
    "--thinking": ("thinking", True),
    "--dry-run": ("dry_run", True),
    "-v": ("verbose", True),
    "--verbose": ("verbose", True),
    "-q": ("quiet", True),
    "--quiet": ("quiet", True),
    "--no-color": ("no_color", True),
    "--debug": ("debug", True),
}


def read(arguments: list[str]) -> Flags | None:
    """The flags of a plain command line; None where it takes Typer to say what it means, or what is wrong with it."""
    texts: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    switches: dict[str, bool] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            lists.setdefault("prompt", []).append(argument)
        elif argument in SWITCHES:
            name, value = SWITCHES[argument]
            switches[name] = value
        elif argument in TEXTS or argument in LISTS:
            taken = next(rest, None)
            if taken is None or (taken.startswith("-") and taken != "-"):
                return None
            if argument in TEXTS:
                texts[TEXTS[argument]] = taken
            else:
                lists.setdefault(LISTS[argument], []).append(taken)
        else:
            return None
    return Flags(**texts, **lists, **switches)  # type: ignore[arg-type]  # each table names fields of its own type
