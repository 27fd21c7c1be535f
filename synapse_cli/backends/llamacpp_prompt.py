"""Which tokens does a model read for these messages?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from synapse_cli.backends import llamacpp_template as template
from synapse_cli.backends.chat_format import PLAIN, ChatFormat, chat_format
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary
from synapse_cli.backends.tool_calls import as_function, offered
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, UsageError
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.profile.model import Effort

_TOOLS = """You can call these tools:
{}
To call one, write nothing but <tool_call>{{"name": "…", "arguments": {{…}}}}</tool_call>, once for each call."""
"""For models whose template knows of no tools."""


_BUDGETS: dict[Effort, int] = {"none": 64, "minimal": 256, "low": 1024, "medium": 4096, "high": 16384}
"""Tokens that a thought may have, about as for hosted models; who is cut short still answers."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How much a model is to think before it answers, and the tools it may call."""

    effort: Effort | None = None
    tools: tuple[str, ...] = ()
    is_bound: bool = False
    """Whether a schema or a grammar binds the answer, so that a thought must be opened for the model."""

    @property
    def budget(self) -> int:
        """Tokens that a thought may have."""
        return _BUDGETS[self.effort or "medium"]


def wishes(request: Request, own: Effort | None) -> Wishes:
    """What a request wishes; `own` is the effort of the model itself. Raises UsageError for an unknown effort."""
    effort = request.params.get("effort") or request.params.get("reasoning_effort") or own
    if effort is not None and effort not in _BUDGETS:
        raise UsageError(f"effort is {effort!r}", f"one of {', '.join(_BUDGETS)}")
    is_bound = request.schema is not None or request.grammar is not None
    if is_bound and request.tools:
        raise BadRequest("local models take tools, or a schema or grammar, not both", "ask twice, or a hosted model")
    return Wishes(effort, request.tools, is_bound)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens of a conversation up to where the answer begins."""

    tokens: tuple[int, ...]
    text: str
    begins: bool
    """Whether the tokenizer added its own first token."""
    warnings: tuple[str, ...] = ()
    form: ChatFormat = PLAIN
    thinks: bool = False
    """Whether the prompt ends within a thought."""
    answers: bool = False
    """Whether it ends within the answer, where a model writes in channels."""


def prepare(
    vocabulary: Vocabulary,
    chat_template: str | None,
    messages: Sequence[Message],
    control: Control,
    wished: Wishes | None = None,
) -> Prompt:
    """Render the messages and read them with the model's own tokenizer."""
    wished, form = wished or Wishes(), chat_format(chat_template)
    defused = tuple(_defuse(vocabulary, message) for message in messages)
    warnings = (
        () if defused == tuple(messages) else ("control marks of the model in the prompt were read as plain text",)
    )
    tools = [_defused(vocabulary, tool) for tool in wished.tools]
    text, failure = _render(vocabulary, chat_template, _Talk(defused, tuple(tools), wished.effort), control)
    # a template writes the first token itself where its model wants one; ChatML does not know of it
    begins = text is None
    if text is None:
        text = template.chatml(_with_tools(defused, tools))
        warnings = (*warnings, f"{failure}: ChatML is used instead")
    if wished.effort not in (None, "none") and not form.thinks:
        warnings = (*warnings, f"this model does not think, so that effort = {wished.effort!r} changes nothing")
    text, answers = _turned(text, form, wished)
    return _read(vocabulary, text, Prompt((), text, begins, warnings, form, form.begun(text) is not None, answers))


def silenced(vocabulary: Vocabulary, prompt: Prompt) -> Prompt:
    """The prompt, ended so that the model answers at once and does not think first: labels are compared there."""
    more = "" if prompt.answers else prompt.form.skip(prompt.text)
    if not more:
        return prompt
    return _read(vocabulary, prompt.text + more, replace(prompt, thinks=False, answers=prompt.form.has_channels))


def mark_tokens(vocabulary: Vocabulary, form: ChatFormat) -> frozenset[int]:
    """Control tokens that must be heard as text, because they tell thoughts and calls from the answer."""
    found = (vocabulary.tokens(mark.strip(), special=True) for mark in form.marks)
    return frozenset(tokens[0] for tokens in found if len(tokens) == 1 and vocabulary.is_control(tokens[0]))


def _read(vocabulary: Vocabulary, text: str, prompt: Prompt) -> Prompt:
    tokens = vocabulary.tokens(text, special=True, begin=prompt.begins)
    if not tokens:
        raise BadRequest("the prompt is empty once the model's chat template has filled it in", "ask something")
    return replace(prompt, tokens=tuple(tokens), text=text)


def _turned(text: str, form: ChatFormat, wished: Wishes) -> tuple[str, bool]:
    """The prompt, ended in the way that fits how much is to be thought; and whether the answer begins there."""
    if wished.effort == "none":
        return text + form.skip(text), form.has_channels
    if wished.is_bound and wished.effort is not None and form.thinks and not form.has_channels:
        return text if form.begun(text) else f"{text}{form.thoughts[0][0]}\n", False
    return text, False


def label_tokens(vocabulary: Vocabulary, prompt: Prompt, labels: Sequence[str]) -> tuple[int, list[tuple[int, ...]]]:
    """How many tokens of the prompt stay as they are whichever label follows, and what follows them for each label.

    A label is read together with the end of the prompt, because tokenizers differ in what they do at a border.
    """
    start, end = _tail(vocabulary, prompt)
    joined = [vocabulary.tokens(end + label, special=True, begin=prompt.begins and start == 0) for label in labels]
    known = list(prompt.tokens[start:])
    common = min(_common(known, tokens) for tokens in joined)
    return start + common, [tuple(tokens[common:]) for tokens in joined]


def stable_tokens(vocabulary: Vocabulary, prompt: Prompt, messages: Sequence[Message]) -> int:
    """How many tokens of the prompt stay as they are whatever the first question is."""
    question = next((message.content for message in messages if message.role == "user"), "")
    before = prompt.text.find(question) if question else -1
    if before <= 0:
        return 0
    head = vocabulary.tokens(prompt.text[:before], special=True, begin=prompt.begins)
    # the last one may grow together with what follows
    return max(0, _common(head, prompt.tokens) - 1)


def _tail(vocabulary: Vocabulary, prompt: Prompt) -> tuple[int, str]:
    """Where the last control token stands, and the text from there on: nothing before it can change any more."""
    for start in range(len(prompt.tokens) - 1, 0, -1):
        if vocabulary.is_control(prompt.tokens[start]):
            text = b"".join(vocabulary.piece(token, special=True) for token in prompt.tokens[start:]).decode(
                "utf-8", "replace"
            )
            if tuple(vocabulary.tokens(text, special=True)) == prompt.tokens[start:]:
                return start, text
            break
    return 0, prompt.text


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    size = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        size += 1
    return size


def _defuse(vocabulary: Vocabulary, message: Message) -> Message:
    return replace(message, content=_defused(vocabulary, message.content))


def _defused(vocabulary: Vocabulary, text: str) -> str:
    """The text with a space in each of the model's control marks: a text must not end its own turn."""
    if "<" not in text and "[" not in text:
        return text
    for token in {token for token in vocabulary.tokens(text, special=True) if vocabulary.is_control(token)}:
        mark = vocabulary.piece(token, special=True).decode("utf-8", "replace")
        if len(mark) > 1:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


@dataclass(frozen=True, slots=True)
class _Talk:
    """What a template is to fill in."""

    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    effort: Effort | None

    def variants(self) -> Iterator[_Talk]:
        """The same, told in ever simpler ways: some templates refuse a role, tools, or an effort."""
        told = replace(self, messages=_with_tools(self.messages, self.tools), tools=())
        for talk in (self, told) if self.tools else (self,):
            yield talk
            yield replace(talk, messages=_without_system(talk.messages))
        if self.effort is not None:
            yield from replace(self, effort=None).variants()


def _render(vocabulary: Vocabulary, chat_template: str | None, talk: _Talk, control: Control) -> tuple[str | None, str]:
    """The text by the model's own template, else None and why not."""
    if chat_template is None:
        return None, "the model file has no chat template"
    begin, end = _mark(vocabulary, vocabulary.begin_token), _mark(vocabulary, vocabulary.end_of_text)
    failure = ""
    for variant in dict.fromkeys(talk.variants()):
        tools: list[Json] = [{"type": "function", "function": as_function(tool)} for tool in variant.tools]
        variables = template.thinking_variables(variant.effort)
        try:
            text = template.render(
                chat_template, variant.messages, begin=begin, end=end, control=control, tools=tools, variables=variables
            )
        except ValueError as error:
            failure = failure or f"the model's chat template fails ({error})"
            continue
        if all(name in text for name in offered(variant.tools)):
            return text, ""
    return None, failure


def _with_tools(messages: Sequence[Message], tools: Sequence[str]) -> tuple[Message, ...]:
    """The messages, with the tools described in the system prompt."""
    if not tools:
        return tuple(messages)
    lines = "\n".join(json.dumps(as_function(tool), ensure_ascii=False) for tool in tools)
    told = _TOOLS.format(lines)
    if messages and messages[0].role == "system":
        return (Message("system", f"{messages[0].content}\n\n{told}"), *messages[1:])
    return (Message("system", told), *messages)


def _mark(vocabulary: Vocabulary, token: int) -> str:
    return vocabulary.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""


def _without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The system prompt as the beginning of the first question: some templates refuse the role."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = tuple(message for message in messages if message.role != "system")
    if not system or not rest:
        return tuple(messages)
    return (Message(rest[0].role, f"{system}\n\n{rest[0].content}"), *rest[1:])
