"""Which tokens does a model read for these messages?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from synapse_cli.backends import llamacpp_template as template
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest
from synapse_cli.core.prompt import Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens of a conversation up to where the answer begins."""

    tokens: tuple[int, ...]
    text: str
    begins: bool
    """Whether the tokenizer added its own first token."""
    warnings: tuple[str, ...] = ()


def prepare(vocabulary: Vocabulary, chat_template: str | None, messages: Sequence[Message], control: Control) -> Prompt:
    """Render the messages and read them with the model's own tokenizer."""
    defused = tuple(_defuse(vocabulary, message) for message in messages)
    warnings = (
        () if defused == tuple(messages) else ("control marks of the model in the prompt were read as plain text",)
    )
    text, failure = _render(vocabulary, chat_template, defused, control)
    # a template writes the first token itself where its model wants one; ChatML does not know of it
    begins = text is None
    if text is None:
        text = template.chatml(defused)
        warnings = (*warnings, f"{failure}: ChatML is used instead")
    tokens = vocabulary.tokens(text, special=True, begin=begins)
    if not tokens:
        raise BadRequest("the prompt is empty once the model's chat template has filled it in", "ask something")
    return Prompt(tuple(tokens), text, begins, warnings)


def label_tokens(vocabulary: Vocabulary, prompt: Prompt, labels: Sequence[str]) -> tuple[int, list[tuple[int, ...]]]:
    """How many tokens of the prompt stay as they are whichever label follows, and what follows them for each label.

    A label is read together with the end of the prompt, because tokenizers differ in what they do at a border.
    """
    start, end = _tail(vocabulary, prompt)
    joined = [vocabulary.tokens(end + label, special=True, begin=prompt.begins and start == 0) for label in labels]
    known = list(prompt.tokens[start:])
    common = min(_common(known, tokens) for tokens in joined)
    return start + common, [tuple(tokens[common:]) for tokens in joined]


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
    """The message with a space in each of the model's control marks: a text must not end its own turn."""
    if "<" not in message.content and "[" not in message.content:
        return message
    marks = {token for token in vocabulary.tokens(message.content, special=True) if vocabulary.is_control(token)}
    content = message.content
    for token in marks:
        mark = vocabulary.piece(token, special=True).decode("utf-8", "replace")
        if len(mark) > 1:
            content = content.replace(mark, f"{mark[0]} {mark[1:]}")
    return replace(message, content=content)


def _render(
    vocabulary: Vocabulary, chat_template: str | None, messages: Sequence[Message], control: Control
) -> tuple[str | None, str]:
    """The text by the model's own template, else None and why not."""
    if chat_template is None:
        return None, "the model file has no chat template"
    begin, end = _mark(vocabulary, vocabulary.begin_token), _mark(vocabulary, vocabulary.end_of_text)
    failures = []
    for turns in dict.fromkeys((tuple(messages), _without_system(messages))):
        try:
            return template.render(chat_template, turns, begin=begin, end=end, control=control), ""
        except ValueError as error:
            failures.append(f"the model's chat template fails ({error})")
    return None, failures[0]


def _mark(vocabulary: Vocabulary, token: int) -> str:
    return vocabulary.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""


def _without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The system prompt as the beginning of the first question: some templates refuse the role."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = tuple(message for message in messages if message.role != "system")
    if not system or not rest:
        return tuple(messages)
    return (Message(rest[0].role, f"{system}\n\n{rest[0].content}"), *rest[1:])
