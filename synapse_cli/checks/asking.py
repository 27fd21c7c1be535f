"""What do checks share that ask a model? How they ask, and what becomes of an answer if nobody can be asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from synapse_cli.checks.doubtful import one_line, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.errors import ClosedPipe, Interrupted, SynapseError
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.verdict import Verdict

Binds = Literal["validity", "doubt"]

STEADY: Final[Mapping[str, Json]] = {"temperature": 0.0}
"""A judge says the same of the same answer."""
LABEL_TOKENS = 16
"""What a reply of one label takes at most, in a provider's dress for it."""
ALONE = "no model can be asked here"
"""Why a check that needs another model says nothing without one."""
_LARGEST = 100_000


def binds(options: Options) -> Binds:
    """Read `required`: a rule that binds every tier, the last one too."""
    return "validity" if options.flag("required") else "doubt"


def named(options: Options, key: str = "model") -> str | None:
    """Read the name of the model that a rule asks; None where it names none."""
    name = options.text(key)
    if name is not None and not name:
        options.problem(key, "an empty text", "the name of a model")
    return name


def unasked(rule: str, error: SynapseError, *, passes: bool) -> Verdict:
    """Say that a model could not be asked; Ctrl-C and a closed pipe are nobody's verdict, and are raised on."""
    if isinstance(error, Interrupted | ClosedPipe):
        raise error
    return unevaluated(rule, f"not asked: {error.message}", passes=passes)


def question(system: str, text: str, choices: tuple[str, ...] = (), schema: str | None = None) -> Request:
    """A judge's request: closed, and steady."""
    messages = (Message("system", system), Message("user", text))
    return Request(messages=messages, params=dict(STEADY), choices=choices, schema=schema)


def prose(options: Options, key: str, default: str) -> tuple[str, tuple[str, ...]]:
    """A text, or `@FILE`, and the files that were read for it; what is wrong is reported."""
    given = options.text(key)
    if given is None:
        return default, ()
    if not given.startswith("@"):
        if not given.strip():
            options.problem(key, "nothing", "a text, or @FILE")
        return given.strip() or default, ()
    path = Path(options.file).parent / Path(given[1:]).expanduser() if options.file else Path(given[1:]).expanduser()
    try:
        text = path.read_bytes()[:_LARGEST].decode("utf-8")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8 text"
        options.problem(key, one_line(f"{given}: {why}"), "a file with text")
        return default, ()
    return text.strip() or default, (str(path),)


def chance(completion: Completion, yes: str) -> float:
    """How likely a closed question's answer is `yes`, of two: its confidence where one is told, else 1 or 0."""
    said = completion.text.strip().casefold() == yes.casefold()
    sure = completion.confidence
    if sure is None or not math.isfinite(sure):
        return 1.0 if said else 0.0
    return sure if said else 1.0 - sure
