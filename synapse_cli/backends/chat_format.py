"""By which marks does a model set its thoughts and its calls apart from its answer? Its chat template shows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

HARMONY = "<|channel|>"
"""The mark of gpt-oss: everything it writes stands in a channel."""
HERMES = ("<tool_call>", "</tool_call>")
"""The most common form, and the one that a model is told to use whose template knows of no tools."""

_THINK = ("<think>", "</think>")
_THOUGHTS = (
    _THINK,
    ("<thinking>", "</thinking>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"),
)
"""DeepSeek, Qwen, GLM and most others; Seed; MiniMax; Magistral; Command; Apertus; Gemma 4; Apriel."""
_CALLS = (
    HERMES,
    ("<tool_calls>", "</tool_calls>"),
    ("<TOOLCALL>", "</TOOLCALL>"),
    ("<seed:tool_call>", "</seed:tool_call>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<|tool_call>", "<tool_call|>"),
    ("<start_function_call>", "<end_function_call>"),
    ("<|tool_call_start|>", "<|tool_call_end|>"),
    ("<|START_ACTION|>", "<|END_ACTION|>"),
    ("<|tools_prefix|>", "<|tools_suffix|>"),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<|tool_call_begin|>", ""),
    ("<\uff5ctool\u2581calls\u2581begin\uff5c>", "<\uff5ctool\u2581calls\u2581end\uff5c>"),
    ("<\uff5cDSML\uff5cfunction_calls>", "</\uff5cDSML\uff5cfunction_calls>"),
    ("<\uff5cDSML\uff5ctool_calls>", "</\uff5cDSML\uff5ctool_calls>"),
    ("<|tool_call|>", "<|/tool_call|>"),
    ("[TOOL_CALLS]", ""),
    ("<|python_tag|>", ""),
    ("functools[", ""),
    ("```tool_code", "```"),
    ("<function=", "</function>"),
    ("<function name=", "</function>"),
)
"""Without an end they go on to the end of the answer. Hermes and Qwen; Apriel; Nemotron; Seed; MiniMax; Gemma 4 and 3;
LFM; Command; Apertus; Kimi; DeepSeek; Granite and Phi; Mistral; Llama; Firefunction; Functionary and MiniCPM."""
_DSML = "\uff5cDSML\uff5c"
_BREAKS = ("<|tool_calls_section_begin|>", "<|tool_call_begin|>")
"""Kimi calls tools in the middle of a thought; others only think of it there."""
_INNER = (
    "[ARGS]", "[CALL_ID]", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
    "<\uff5ctool\u2581call\u2581begin\uff5c>", "<\uff5ctool\u2581sep\uff5c>", "<\uff5ctool\u2581call\u2581end\uff5c>",
    '<|"|>', "<escape>",
)  # fmt: skip
"""Marks within calls."""
_ASIDES = (
    "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>", "[END FINAL RESPONSE]", "<response>",
    "</response>", "<|channel>thought\n", "<channel|>",
)  # fmt: skip
"""Marks around an answer that say nothing."""
_CHANNELS = ("<|start|>", HARMONY, "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>")

Mark = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """The marks of one template."""

    thoughts: tuple[Mark, ...] = (_THINK,)
    calls: tuple[Mark, ...] = (HERMES,)
    asides: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    """Beginnings of a call that end a thought too."""
    has_channels: bool = False
    thinks: bool = False
    """Whether the template knows of thoughts."""
    marks: tuple[str, ...] = ()
    """What must be heard even where the tokenizer holds it for a control mark, which has no text."""

    def begun(self, prompt: str) -> Mark | None:
        """The thought that a prompt ends in."""
        end = prompt.rstrip()
        return next((mark for mark in self.thoughts if end.endswith(mark[0].rstrip())), None)

    def skip(self, prompt: str) -> str:
        """What to add to a prompt so that the answer begins without a thought."""
        if self.has_channels:
            return f"{HARMONY}final<|message|>"
        begun = self.begun(prompt)
        return "" if begun is None else f"\n{begun[1]}\n\n"

    def cut_short(self, mark: Mark | None) -> str:
        """What to put in the model's mouth so that it stops thinking and answers."""
        if self.has_channels:
            return f"<|end|><|start|>assistant{HARMONY}final<|message|>"
        return f"\n{(mark or self.thoughts[0])[1]}\n\n"


PLAIN = ChatFormat()


@lru_cache(maxsize=32)
def chat_format(template: str | None) -> ChatFormat:
    """Find the marks that a template writes or speaks of. `<think>` is known to all: many were tuned to it later."""
    if template is None:
        return PLAIN
    has_channels = HARMONY in template and "<|message|>" in template
    thoughts = tuple(mark for mark in _THOUGHTS if mark == _THINK or mark[0].strip() in template)
    calls = tuple(mark for mark in _CALLS if mark == HERMES or _knows(template, mark[0]))
    asides = tuple(aside for aside in _ASIDES if aside.strip() in template)
    inner = tuple(mark for mark in _INNER if mark in template)
    marks = [*(text for mark in (*thoughts, *calls) for text in mark if text), *asides, *inner]
    return ChatFormat(
        thoughts=tuple(sorted(thoughts, key=lambda mark: mark == _THINK)),
        calls=calls,
        asides=asides,
        breaks=tuple(mark for mark in _BREAKS if mark in template),
        has_channels=has_channels,
        thinks=has_channels or any(mark[0].strip() in template for mark in thoughts),
        marks=tuple(dict.fromkeys([*marks, *(_CHANNELS if has_channels else ())])),
    )


def _knows(template: str, mark: str) -> bool:
    """Whether a template writes a mark; DeepSeek's puts its tags together from parts."""
    return mark in template or (_DSML in mark and _DSML in template)
