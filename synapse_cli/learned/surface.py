"""What does a prompt look like from outside? Its length and form in a few numbers; pure Python."""

from __future__ import annotations

import math
import re

LENGTH = "length"
"""The name of the first feature: the logarithm of a prompt's characters, the plainest sign of a hard one."""
_READ = 8000
"""Characters looked at beyond the length itself: a decision must not take longer for a book."""
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d[\d.,]*")
_FORMULA = re.compile(r"\\[a-zA-Z]+|\$[^$\n]{1,200}\$|[=^≤≥∑∫√±\u00d7÷]")
_CODE = re.compile(r"```|\bdef \w|\bclass \w|\breturn\b|\bimport \w|[{};]\s*$|\w\(\w*\)|=>|==|!=", re.MULTILINE)
_OPTION = re.compile(r"^\s*(?:\(?[A-Ha-h1-9][.):]|[-*•])\s", re.MULTILINE)
_BLANK = re.compile(r"_{2,}")
_REFUSED = frozenset({"not", "except", "never", "none", "false", "incorrect", "without", "least"})
_REASON = frozenset(
    {"why", "how", "explain", "prove", "derive", "calculate", "compute", "determine", "solve", "compare"}
)
_RECALL = frozenset({"who", "when", "where", "which", "what", "name", "year"})


def features(prompt: str) -> tuple[float, ...]:
    """The numbers, as `NAMES` says; each about between 0 and 10, none dearer than a pass over the text."""
    text = prompt[:_READ]
    words = _WORD.findall(text)
    folded = [word.lower() for word in words]
    size, many = max(1, len(text)), max(1, len(words))
    length = math.log1p(len(prompt))
    lines = text.count("\n") + 1
    longest = max((len(line) for line in text.splitlines()), default=0)
    return (
        length,
        max(0.0, length - _SHORT),
        max(0.0, length - _LONG),
        math.log1p(many),
        math.log1p(lines),
        math.log1p(longest),
        sum(map(len, words)) / many,
        sum(len(word) > _LONG_WORD for word in words) / many,
        len(set(words)) / many,
        sum(map(str.isupper, words)) / many,
        sum(word[0].isupper() for word in words) / many,
        10 * sum(map(len, _NUMBER.findall(text))) / size,
        *(math.log1p(len(pattern.findall(text))) for pattern in (_NUMBER, _FORMULA, _CODE, _OPTION)),
        *(math.log1p(sum(word in wanted for word in folded)) for wanted in (_REFUSED, _REASON, _RECALL)),
        math.log1p(len(_BLANK.findall(text))),
        math.log1p(text.count("?")),
        math.log1p(text.count('"') + text.count("“")),
        math.log1p(text.count(",")),
        math.log1p(text.count(".")),
        10 * (size - len(text.encode("ascii", "ignore"))) / size,
        float(text.rstrip().endswith("?")),
    )


_SHORT, _LONG = math.log1p(150), math.log1p(600)
"""Characters where the length's effect may bend: about a sentence or two, and about a paragraph."""
_LONG_WORD = 8
NAMES = (
    LENGTH,
    "length_over_150",
    "length_over_600",
    "words",
    "lines",
    "longest_line",
    "word_length",
    "long_words",
    "different_words",
    "capitals",
    "capitalised",
    "digits",
    "numbers",
    "formulas",
    "code",
    "options",
    "negations",
    "reasoning",
    "recall",
    "blanks",
    "questions",
    "quotes",
    "commas",
    "stops",
    "beyond_ascii",
    "ends_asking",
)
