"""A model that says what its profile tells it to say: for tests, demos and dry runs.

It is a Backend like any other, with faults and delays on demand. Without a `price` it is a local model that costs
nothing; with one it plays a hosted model, so that money, `--local-only` and budgets can be tried without a network.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    CutStream,
    Interrupted,
    KeyRejected,
    ModelMissing,
    ProfileError,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
)
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.profile.model import Model

_CHARS_PER_TOKEN = 4
"""Usual for English; only where the script gives no `tokens`, and marked as an estimate."""
_POLL_S = 0.02
_FAULTS = ("rate_limited", "timeout", "auth", "server", "cut")
_LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said to a prompt whose last user message `match` is found in."""

    match: str = ""
    text: str = ""
    confidence: float | None = None
    latency_s: float = 0.0
    error: str | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None


class Scripted:
    """Answers from `replies`, first match wins; with `record` each call is appended there as a JSON line."""

    def __init__(self, model: Model) -> None:
        self.model = model
        options = Options(model.options, where=f"models.{model.name}")
        self.replies = _read_replies(options)
        record = options.text("record")
        if options.problems:
            raise ProfileError(tuple(options.problems))
        self.record = os.path.expanduser(record) if record else None

    @classmethod
    def check_options(cls, options: Options) -> None:
        """Read `replies` and `record`, and report every problem with them to `options`."""
        _read_replies(options)
        options.text("record")

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Wait, fail or answer as the script says; the text goes out word by word."""
        prompt = _last_user_message(request.messages)
        at, reply = self._find(prompt)
        self._write_record(request, at)
        started = time.monotonic()
        if reply is None:
            raise BadAnswer(f"the script of {self.model.name!r} has no reply to this prompt", "add one with match = ''")
        if reply.error in _FAULTS and reply.error != "cut":
            self._wait(reply.latency_s, control)
            raise _fault(reply.error, self.model.name)
        first_s = self._say(reply, control, emit, started)
        usage = self._usage(request, reply)
        return Completion(
            text=reply.text,
            finish="stop",
            usage=usage,
            cost=(self.model.price or FREE).cost(usage),
            confidence=reply.confidence,
            latency_s=time.monotonic() - started,
            first_latency_s=first_s,
        )

    def facts(self) -> Facts:
        """Free and local without a price; a hosted model's understudy with one."""
        price = self.model.price
        return Facts(
            is_local=price is None,
            provider="scripted",
            price=price or FREE,
            context_tokens=self.model.context,
        )

    def count(self, messages: Sequence[Message]) -> Count:
        """Estimate from the length of the text."""
        return Count(sum(_tokens(message.content) for message in messages), estimated=True)

    def _find(self, prompt: str) -> tuple[int, Reply | None]:
        for at, reply in enumerate(self.replies):
            if re.search(reply.match, prompt):
                return at, reply
        return -1, None

    def _say(self, reply: Reply, control: Control, emit: Emit | None, started: float) -> float:
        """Hand out the words with the latency spread before them; return when the first one came."""
        pieces = list(_words(reply.text))
        said = pieces[: len(pieces) // 2] if reply.error == "cut" else pieces
        pause_s = reply.latency_s / max(1, len(said))
        first_s: float | None = None
        for piece in said or [""]:
            self._wait(pause_s, control)
            first_s = time.monotonic() - started if first_s is None else first_s
            if emit is not None and piece:
                emit(piece)
        if reply.error == "cut":
            raise CutStream(f"the stream of {self.model.name!r} ended before it was finished (as its script says)")
        return first_s or 0.0

    def _wait(self, seconds: float, control: Control) -> None:
        """Sleep, but hear Ctrl-C and the deadline. The model's own timeout bounds it too."""
        end = time.monotonic() + min(seconds, self.model.timeout_s)
        while True:
            if control.stopped:
                raise Interrupted("interrupted")
            if control.expired:
                raise TimedOut(f"{self.model.name!r} did not answer in time", "give it more with --timeout")
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(_POLL_S, left))
        if seconds > self.model.timeout_s:
            raise TimedOut(f"{self.model.name!r} did not answer within {self.model.timeout_s:g} s")

    def _usage(self, request: Request, reply: Reply) -> Usage:
        estimated = reply.tokens_input is None or reply.tokens_output is None
        read = self.count(request.messages).tokens if reply.tokens_input is None else reply.tokens_input
        written = _tokens(reply.text) if reply.tokens_output is None else reply.tokens_output
        return Usage(read, written, estimated=estimated)

    def _write_record(self, request: Request, at: int) -> None:
        """Append one line with one write, so that the lines of parallel processes do not mix."""
        if self.record is None:
            return
        line = json.dumps(_as_json(self.model.name, request, at), ensure_ascii=False) + "\n"
        try:
            file = os.open(self.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, line.encode("utf-8", "surrogatepass"))
            finally:
                os.close(file)
        except OSError as error:
            where = f"models.{self.model.name}.record"
            raise ModelMissing(f"cannot write {self.record}: {error.strerror}", f"see {where}") from error


def _read_replies(options: Options) -> tuple[Reply, ...]:
    listed = options.value("replies")
    if not isinstance(listed, list) or not listed:
        options.problem("replies", "nothing" if listed is None else repr(listed), "a list with at least one reply")
        return ()
    return tuple(_read_reply(entry, at, options) for at, entry in enumerate(listed))


def _read_reply(entry: Json, at: int, parent: Options) -> Reply:
    where = f"replies[{at}]"
    if not isinstance(entry, dict):
        parent.problem(where, repr(entry), "a table such as { match = 'REGEX', text = '…' }")
        return Reply()
    options = Options(entry, file=parent.file, where=f"{parent.where}.{where}")
    error = options.one_of("error", _FAULTS, "cut") if "error" in entry else None
    if error in {None, "cut"}:
        options.require("text")
    tokens = Options(_table(options, "tokens"), file=parent.file, where=f"{options.where}.tokens")
    reply = Reply(
        match=_pattern(options),
        text=options.text("text") or "",
        confidence=options.number("confidence", least=0.0, most=1.0),
        latency_s=options.number("latency_s", 0.0, least=0.0, most=_LONGEST_S) or 0.0,
        error=error,
        tokens_input=tokens.whole("input", least=0),
        tokens_output=tokens.whole("output", least=0),
    )
    parent.problems += (*options.finish(), *tokens.finish())
    return reply


def _pattern(options: Options) -> str:
    pattern = options.text("match") or ""
    try:
        re.compile(pattern)
    except re.error as error:
        options.problem("match", repr(pattern), f"a regular expression of Python: {error}")
        return ""
    return pattern


def _table(options: Options, key: str) -> dict[str, Json]:
    value = options.value(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        options.problem(key, repr(value), "a table such as { input = 10, output = 2 }")
        return {}
    return value


def _fault(error: str | None, name: str) -> SynapseError:
    said = "(as its script says)"
    if error == "rate_limited":
        return RateLimited(f"{name!r} takes no more requests just now {said}")
    if error == "timeout":
        return TimedOut(f"{name!r} did not answer in time {said}")
    if error == "auth":
        return KeyRejected(f"{name!r} does not take the key {said}")
    return ServerFailed(f"the server of {name!r} failed {said}")


def _last_user_message(messages: Sequence[Message]) -> str:
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


def _words(text: str) -> Iterator[str]:
    """Pieces that joined give the text again: each word with the space before it, and the space at the end."""
    return (match.group() for match in re.finditer(r"\s*\S+|\s+$", text))


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARS_PER_TOKEN)


def _as_json(name: str, request: Request, at: int) -> dict[str, Json]:
    return {
        "model": name,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "params": dict(request.params),
        "choices": list(request.choices),
        "schema": request.schema,
        "grammar": request.grammar,
        "tools": list(request.tools),
        "reply": at,
    }
