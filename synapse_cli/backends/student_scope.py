"""Which part of a request is the text that a student labels, and did it learn from such requests?"""

from __future__ import annotations

import hashlib
import json
import re

from synapse_cli.backends.closed_labels import question
from synapse_cli.core.prompt import Request
from synapse_cli.learned.student import Scope

_GAP = re.compile(r"\n[ \t\r]*\n")
_FENCE_LINE = re.compile(r"^\s*(?:`{3,}|~{3,})[^\n]*$\n?", re.MULTILINE)
_FILE_LINE = re.compile(r"^File: [^\n]+\n?", re.MULTILINE)


def scope_of(request: Request, head: str, tail: str) -> Scope:
    """The scope of a request whose text stands between `head` and `tail`."""
    return Scope(head=head, tail=tail, system=_system(request), closed=closed_of(request))


def closed_of(request: Request) -> str:
    """What a request says of the answer: its labels in any order, its schema, or nothing."""
    if request.choices:
        return f"choices {json.dumps(sorted(set(request.choices)), ensure_ascii=False)}"
    return "" if request.schema is None else f"schema {request.schema}"


def difference(request: Request, scope: Scope) -> str | None:
    """What of this request is not as in those that the student learned from; None where it is one of them."""
    if request.grammar is not None or request.tools:
        return "it takes neither grammar nor tools"
    if _system(request) != scope.system:
        return "it learned under another system prompt"
    if closed_of(request) != scope.closed:
        return "it learned to choose from another closed set"
    if [message.role for message in request.messages if message.role != "system"] != ["user"]:
        return "it learned from single prompts"
    prompt = question(request)
    if not _is_framed(prompt, scope.head, scope.tail):
        return "it learned under another instruction"
    text = text_in(prompt, scope.head, scope.tail)
    if not text:
        return "there is no text to label"
    if not scope.head and not scope.tail and has_instruction(text):
        return "the prompt holds an instruction of its own"
    return None


def text_in(prompt: str, head: str, tail: str) -> str:
    """The text between head and tail, without file names and fences."""
    inner = prompt[len(head) : len(prompt) - len(tail)]
    return _FENCE_LINE.sub("", _FILE_LINE.sub("", inner)).strip()


def has_instruction(text: str) -> bool:
    """Whether a text of several paragraphs begins or ends with one that tells what to do."""
    if not _GAP.search(text):
        return False
    from synapse_cli.backends.instruction import asks, sets_task, take_apart  # its patterns take a while to compile

    parts = take_apart(text)
    told = [part for part in (parts.first, parts.last) if part]
    return bool(parts.second) and any(sets_task(part) or asks(part) for part in told)


def _is_framed(prompt: str, head: str, tail: str) -> bool:
    return prompt.startswith(head) and prompt.endswith(tail) and len(prompt) > len(head) + len(tail)


def _system(request: Request) -> str:
    said = "\n".join(message.content for message in request.messages if message.role == "system")
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest() if said else ""
