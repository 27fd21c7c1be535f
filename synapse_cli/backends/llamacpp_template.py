"""How do messages become the one text that a model reads? By the template in its file, else by ChatML."""

from __future__ import annotations

import json
import operator
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import FrameType
from typing import Any, NoReturn

from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Json, Message
from synapse_cli.profile.model import Effort

_MOST_SECONDS = 2.0
"""Of this thread's processor time, so that a busy machine does not count. Real templates take a millisecond; one that
takes this long has a loop that does not end."""
_MOST_CHARACTERS = 1 << 24
"""A product or power that makes more is an attack, not a prompt."""


_QUIET: dict[str, Json] = {"enable_thinking": False}
"""A model with a switch for its thinking thinks where that is asked for."""


def thinking_variables(effort: Effort | None) -> dict[str, Json]:
    """What templates that know of thinking want to be told; each looks for another word."""
    if effort is None:
        return _QUIET
    if effort == "none":
        return {**_QUIET, "thinking": False, "reasoning": False, "thinking_budget": 0, "reasoning_effort": "low"}
    told = "low" if effort == "minimal" else effort
    return {"enable_thinking": True, "thinking": True, "reasoning": True, "reasoning_effort": told}


class _TooLong(Exception):
    """The template did not come to an end."""


def chatml(messages: Sequence[Message]) -> str:
    """The format most models understand, for a file whose own template is missing or fails."""
    turns = [f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


def render(
    template: str,
    messages: Sequence[Message],
    *,
    begin: str,
    end: str,
    control: Control,
    tools: Sequence[Json] = (),
    variables: Mapping[str, Json] = _QUIET,
) -> str:
    """Fill a model's own Jinja2 template, sandboxed and within a time; `variables` say how much it is to think.

    Raises ValueError, with the cause in one line, where the template fails or does not end.
    """
    turns = [{"role": message.role, "content": message.content} for message in messages]
    limit = time.thread_time() + _MOST_SECONDS
    try:
        compiled = _compiled(template)
        with _Watch(lambda: control.stopped or control.expired or time.thread_time() > limit):
            text: str = compiled.render(
                messages=turns, bos_token=begin, eos_token=end, add_generation_prompt=True, tools=list(tools) or None,
                raise_exception=_refuse, strftime_now=_now, **variables,
            )  # fmt: skip
            return text
    except Exception as error:  # a stranger's template can raise anything
        why = str(error).strip().splitlines()
        raise ValueError(f"{type(error).__name__.lstrip('_')}: {why[0] if why else 'no reason given'}"[:200]) from error


@lru_cache(maxsize=8)
def _compiled(template: str) -> Any:
    """Compiling takes as long as a small model's answer; no loop of the template runs while it is compiled."""
    return _environment().from_string(template)


def _environment() -> Any:  # jinja2 comes with llama-cpp-python; its sandbox has no narrower type
    """Jinja2 as Transformers sets it up for chat templates, without the operators that can eat all memory."""
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Jinja2ChatFormatter.IgnoreGenerationTags, jinja2.ext.loopcontrols],
    )
    environment.intercepted_binops = frozenset(("*", "**", "%"))
    environment.binop_table.update({"*": _times, "**": _power, "%": _remainder})
    environment.filters["tojson"] = _to_json
    for name in ("lipsum", "cycler"):
        environment.globals.pop(name)
    for name in ("center", "random"):
        environment.filters.pop(name)
    return environment


class _Watch:
    """Ends Python code that runs too long, by looking at the clock on each of its lines.

    A thread could not end it, and an alarm works only in the main thread and not on Windows.
    """

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, _frame: FrameType, _event: str, _arg: object) -> Callable[..., Any]:
        if self._over():
            raise _TooLong("it does not come to an end")
        return self._trace


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _times(left: Any, right: Any) -> Any:
    for many, thing in ((left, right), (right, left)):
        if (
            isinstance(thing, (str, bytes, list, tuple))
            and isinstance(many, int)
            and many * len(thing) > _MOST_CHARACTERS
        ):
            raise ValueError("it repeats a text too often")
    return operator.mul(left, right)


def _power(left: Any, right: Any) -> Any:
    if abs(right) > 1000 or abs(left) > 1 << 32:
        raise ValueError("it computes too large a power")
    return operator.pow(left, right)


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str) and any(character.isdigit() for character in left):
        raise ValueError("it formats with a width")
    return operator.mod(left, right)
