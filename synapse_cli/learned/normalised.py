r"""Are two answers the same, whatever dress they wear?

`1/2`, `0.5` and `\frac{1}{2}` are one number, `**Answer: B**` and `(b)` one letter, two JSON texts one value. What says
nothing (an empty text, "I don't know") is the same as nothing, not even as itself: two models that both gave up do not
agree. Checks and the tables of the lab use this very module, so that what was measured is what is run.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from synapse_cli.core.fold import fold
from synapse_cli.learned.arithmetic import value
from synapse_cli.learned.latex import plain

Form = Literal["answer", "number", "choice", "json", "text", "code"]
FORMS: tuple[Form, ...] = get_args(Form)

_TAIL = 4_000
"""Characters from the end in which a final answer is looked for."""
_LONGEST = 200_000
"""Characters of a whole text, a program or a JSON value that are compared; longer ones are nothing."""


class Normal(NamedTuple):
    """An answer undressed. Equal keys are the same answer; a unit that only one of two names is no difference."""

    key: str
    unit: str = ""


def same(left: str, right: str, form: Form = "answer", labels: Sequence[str] = ()) -> bool:
    """Whether two answers are the same; False where either says nothing. Symmetric."""
    return agree(normal(left, form, labels), normal(right, form, labels))


def agree(left: Normal | None, right: Normal | None) -> bool:
    """Whether two undressed answers are the same."""
    if left is None or right is None or left.key != right.key:
        return False
    return left.unit == right.unit or not left.unit or not right.unit


def normal(text: str, form: Form = "answer", labels: Sequence[str] = ()) -> Normal | None:
    """Undress an answer; None where it says nothing that could be compared.

    `answer` looks for the final answer of a text, `number` for the last number of that, `choice` for one of `labels`
    (or, without labels, for a letter, yes or no), `json`, `text` and `code` compare the whole. Time is bounded
    whatever the length.
    """
    return _FORMS[form](text, labels)


def final(text: str) -> str:
    r"""The part of a text that is its answer: `\boxed{}`, an `answer` key, after "the answer is", the last line."""
    tail = text[-_TAIL:].strip()
    for find in (_boxed, _keyed, _announced):
        found = find(tail)
        if found:
            return found.strip()
    return next((line.strip() for line in reversed(tail.splitlines()) if re.search(r"[^\s*_`#=.-]", line)), "")


def _boxed(tail: str) -> str | None:
    r"""The inside of the last `\boxed{…}`, whose braces may nest."""
    start = max(tail.rfind("\\boxed{"), tail.rfind("\\fbox{"))
    if start < 0:
        return None
    depth, begin = 0, tail.index("{", start)
    for at in range(begin, len(tail)):
        depth += {"{": 1, "}": -1}.get(tail[at], 0)
        if depth == 0:
            return tail[begin + 1 : at]
    return None


_KEYED = re.compile(r'"(?:final_)?answer"\s*:\s*("(?:[^"\\]|\\.)*+"|-?\d[\d.,eE+-]*)', re.IGNORECASE)


def _keyed(tail: str) -> str | None:
    """The value of the last `"answer"` of a JSON object."""
    found = _KEYED.findall(tail)
    if not found:
        return None
    try:
        return str(json.loads(found[-1]))
    except ValueError:
        return str(found[-1]).strip('"')


_ANNOUNCED = re.compile(
    r"(?:\b(?:answer|option|choice|result|solution)\b(?:\*\*)?\s*(?:(?:is|was|would be)\b\s*:?|[:=])|####)"
    r"[ \t*_]*(?:\n[ \t]*)?([^\n]+)",
    re.IGNORECASE,
)


def _announced(tail: str) -> str | None:
    found = _ANNOUNCED.findall(tail)
    return _sentence(found[-1]) if found else None


def _sentence(text: str) -> str:
    """Up to the full stop that ends a sentence, not the one of a decimal."""
    return re.split(r"(?<=[^\s.])\.(?:\s|$)", text.strip(), maxsplit=1)[0]


# --- the forms ---


def _as_answer(text: str, labels: Sequence[str]) -> Normal | None:
    del labels
    return _undressed(final(text))


_NUMBER = re.compile(
    r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:\s*/\s*\d+(?:\.\d+)?)?(?:[eE][-+]?\d{1,3}\b)?|[-+]?\.\d+"
)


def _as_number(text: str, labels: Sequence[str]) -> Normal | None:
    """The last number: of the announced answer where it has one, else of the whole end of the text."""
    del labels
    for part in (final(text), text[-_TAIL:]):
        found = _undressed(part)
        if found is not None and found.key.startswith("#"):
            return found
        numbers = _NUMBER.findall(plain(_wide(part)))
        if numbers:
            return _number(numbers[-1].replace(" ", ""))
    return None


_LETTER = re.compile(r"(?:^|[\s(\[])\(?([A-Ja-j])\)?(?:[.):\]]|\s*$)")
_SEVERAL_LETTERS = re.compile(r"\b[A-J]\)?\s*(?:or|and|/|,|&)\s*\(?[A-J]\b")
_YES_NO = re.compile(r"\W*(yes|no|true|false)\b", re.IGNORECASE)


def _as_choice(text: str, labels: Sequence[str]) -> Normal | None:
    if labels:
        return _label(text, labels)
    answer = re.sub(r"[*_`$]", "", plain(_wide(final(text))))
    said = _YES_NO.match(answer)
    if said is not None:
        return Normal(f"={said.group(1).casefold()}")
    letter = None if _SEVERAL_LETTERS.search(answer) else _LETTER.search(answer)
    return Normal(f"={letter.group(1).casefold()}") if letter else None


def _label(text: str, labels: Sequence[str]) -> Normal | None:
    """The label that the answer is; else the only one that its final answer names."""
    folded = {fold(label): label for label in labels}
    for part in (text[-_TAIL:], final(text)):
        if (bare := fold(re.sub(r"[*_`]", "", part))) in folded:
            return Normal(f"={bare}")
    answer = fold(final(text))
    named = [key for key in folded if re.search(rf"(?<!\w){re.escape(key)}(?!\w)", answer)]
    longest = [key for key in named if not any(key != other and key in other for other in named)]
    return Normal(f"={longest[0]}") if len(longest) == 1 else None


_FENCE = re.compile(r"(?:^|\n)[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)\n?[ \t]*\1", re.DOTALL)


def _as_json(text: str, labels: Sequence[str]) -> Normal | None:
    del labels
    try:
        found = json.loads(_inside_fence(text))
    except (ValueError, RecursionError):
        return None
    if found is None or found in ("", [], {}):
        return None
    return Normal("{" + json.dumps(_exactly(found), sort_keys=True, separators=(",", ":")))


def _exactly(found: object) -> object:
    """1 and 1.0 are the same number; texts are compared in NFC."""
    if isinstance(found, dict):
        return {key: _exactly(inner) for key, inner in found.items()}
    if isinstance(found, list):
        return [_exactly(inner) for inner in found]
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return unicodedata.normalize("NFC", found) if isinstance(found, str) else found


def _as_text(text: str, labels: Sequence[str]) -> Normal | None:
    del labels
    if len(text) > _LONGEST:
        return None
    words = _words(text)
    return Normal(f"={words}") if words and not _says_nothing(words) else None


def _as_code(text: str, labels: Sequence[str]) -> Normal | None:
    """A program without comments and layout; Python also without its choice of quotes and brackets."""
    del labels
    code = _inside_fence(text)
    if not code.strip() or len(code) > _LONGEST:
        return None
    try:
        return Normal(f"={ast.unparse(ast.parse(code))}")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    bare = re.sub(r"/\*.*?\*/", " ", code, flags=re.DOTALL)
    lines = [
        re.sub(r"(^|\s)(//|--|#(?!include|define|if|endif|else|pragma|!))\s.*$", "", line) for line in bare.splitlines()
    ]
    squeezed = re.sub(r"\s+", "", "\n".join(lines))
    return Normal(f"={squeezed}") if squeezed else None


_FORMS: dict[Form, Callable[[str, Sequence[str]], Normal | None]] = {
    "answer": _as_answer,
    "number": _as_number,
    "choice": _as_choice,
    "json": _as_json,
    "text": _as_text,
    "code": _as_code,
}


def _inside_fence(text: str) -> str:
    """The last fenced block, where there is one and the text is not too long to look for it."""
    blocks = _FENCE.findall(text) if len(text) <= _LONGEST else []
    return blocks[-1][1] if blocks else text[: _LONGEST + 1].strip()


# --- one answer, undressed ---

_NOTHING = frozenset(
    (
        *("none", "null", "nil", "nan", "n/a", "na", "undefined", "unknown", "unclear", "indeterminate", "unsure"),
        *("uncertain", "answer", "final", "error", "?", "-", "empty"),
    )
)
_GAVE_UP = re.compile(
    r"^(?:sorry"
    r"|(?:unfortunately )?(?:i|we) (?:(?:am|was|do|did|could|can)(?: ?not|n't|nt)|cannot)\b"
    r"|(?:unfortunately )?i(?:'m| am) (?:not|unable)\b"
    r"|(?:it is |it's )?not (?:known|sure|available|specified|provided|enough information)"
    r"|(?:it is |it's )?impossible to (?:say|tell|know|determine)"
    r"|no (?:answer|information|data|idea)\b"
    r"|(?:cannot|can't|could not) (?:be )?(?:determined?|say|tell|answer(?:ed)?)"
    r"|insufficient (?:information|data))"
)


def _says_nothing(words: str) -> bool:
    return not words or words in _NOTHING or _GAVE_UP.match(words) is not None


def _undressed(answer: str) -> Normal | None:
    """Number and unit, a list of answers, an expression, or words."""
    bare = plain(_wide(answer)).strip(" \t\n*_`:;!,'\"").rstrip(". ").removesuffix("$")
    if not bare or _says_nothing(_words(bare)):
        return None
    bare = re.sub(r"^[A-Za-z]\w?(?:\([a-z]\))?\s*(?:=|≈|~)\s*", "", bare)
    return _number(bare) or _several(bare) or _expression(bare)


_UNITLESS = re.compile(r"^(?:approximately|approx\.?|about|around|exactly|only|roughly|≈|~)\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[,\u202f\u00a0']\d{3})+(?![\d,])|^\d{1,3}(?: \d{3})+(?=$|\.)")
_WITH_UNIT = re.compile(r"^([^A-Za-z%°€£¥$]*(?:sqrt|pi)?[^A-Za-z%°€£¥$]*?)\s*([A-Za-z%°€£¥$][A-Za-z%°€£¥$ /^\d²³.-]*)$")
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALE = re.compile(r"(?<=\d)\s*(hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_SAID = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_NO_SUM = re.compile(r"\d[\d.]*(?:-\d[\d.]*)+|\d+/\d+/\d+")
"""A date, a range, a telephone number: `2021-03-04` is not 2014, and `10-20` not -10."""
_MIXED = re.compile(r"^([-+]?\d+)\s+(\d+/\d+)$")
_SHORT_UNITS = frozenset("mglshkvwnjacf")
_UNITS = {"percent": "%", "degrees": "°", "degree": "°", "dollars": "$", "dollar": "$", "usd": "$"}
_UNITS.update({"euros": "€", "euro": "€", "eur": "€", "pounds": "£", "gbp": "£"})
_DIGITS = 12


def _number(bare: str) -> Normal | None:
    """A number as `#` and its value: a fraction where it is exact, else twelve digits."""
    bare = _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found.group()), _UNITLESS.sub("", bare))
    if _NO_SUM.fullmatch(bare):
        return None
    unit = ""
    if bare[:1] in {"$", "€", "£", "¥"}:
        unit, bare = bare[0], bare[1:].strip()
    if mixed := _MIXED.match(bare):
        whole, part = mixed.groups()
        bare = f"{whole}{'-' if whole.startswith('-') else '+'}{part}"
    if bare.casefold() in _SAID:
        return Normal(f"#{_SAID.index(bare.casefold())}", unit)
    bare = _SCALE.sub(lambda found: f"*{_SCALES[found.group(1).casefold()]}", bare)
    left, equals, right = bare.rpartition("=")
    bare = right.strip() if equals and not re.search(r"[A-Za-z]", left) else bare
    bare = re.sub(r"(?<=\d)[eE]([-+]?\d{1,3})$", r"*10^(\1)", bare)
    found = value(bare)
    if found is None and not unit:
        split = _WITH_UNIT.match(bare)
        if split is None or not (unit := _unit(split.group(2), bare)):
            return None
        found = value(split.group(1))
    if found is None:
        return None
    exact = found if isinstance(found, Fraction) else None
    return Normal(f"#{exact}" if exact is not None else f"#{found:.{_DIGITS}g}", unit)


def _unit(text: str, whole: str) -> str:
    """The unit's one name; empty where the letters are rather algebra (`9n`, `2x + 1`)."""
    bare = re.sub(r"\s+", " ", text.strip(" .").casefold())
    if bare in _UNITS:
        return _UNITS[bare]
    if re.search(r"\b(?:and|or|to|not|no|if|for)\b", bare):
        return ""
    is_apart = whole[: -len(text)].endswith(" ")
    if len(re.sub(r"[^a-z]", "", bare)) == 1 and bare[0].isalpha() and not (is_apart and bare[0] in _SHORT_UNITS):
        return ""
    if re.search(r"\d", re.sub(r"\^?[23]", "", bare)) or re.search(r"\bpi\b|sqrt", bare):
        return ""
    return bare.removesuffix("s") if len(bare) > 3 else bare


def _several(bare: str) -> Normal | None:
    """A list of answers: in any order, unless it is a pair or tuple in round brackets."""
    inner = re.fullmatch(r"[(\[{](.*)[)\]}]", bare)
    is_ordered = inner is not None and bare[0] in "(["
    body = inner.group(1) if inner else re.sub(r"\s+(?:and|or)\s+", ", ", bare)
    parts = _split(_THOUSANDS.sub(lambda found: re.sub(r"\D", "", found.group()), body))
    if len(parts) < 2 or len(parts) > 50 or any(len(part) > 100 for part in parts):
        return None
    keys = [(_number(part) or _expression(part)).key for part in parts]
    brackets = bare[0] + bare[-1] if is_ordered else "{}"
    return Normal(brackets + "|".join(keys if is_ordered else sorted(keys)))


def _split(body: str) -> list[str]:
    """At the commas and semicolons that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(body):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0)
        if letter in ",;" and depth == 0:
            parts.append(body[start:at].strip())
            start = at + 1
    return [part for part in (*parts, body[start:].strip()) if part]


def _expression(bare: str) -> Normal:
    """Algebra without its spaces and dots of multiplication; words without case, articles and punctuation."""
    if re.search(r"[A-Za-z]{4,}", bare.replace("sqrt", "")) or not re.search(r"[\d^*/+=√]", bare):
        return Normal(f"={_words(bare)}")
    squeezed = re.sub(r"(?<!\d)[*]|[*](?!\d)", "", re.sub(r"\s+", "", bare))
    return Normal(f"={squeezed.casefold()}")


_ARTICLES = re.compile(r"(?<![\w/'])(?:a|an|the)(?![\w/'])")


def _words(text: str) -> str:
    """Words alone, as SQuAD compares them (Rajpurkar et al. 2016), in NFKC."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("\u2019", "'")
    kept = "".join(letter if letter.isalnum() or letter in "'/?-%+" else " " for letter in folded)
    words = " ".join(_ARTICLES.sub(" ", kept).split())
    return words or " ".join(kept.split()) or " ".join(folded.split())


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


def _wide(text: str) -> str:
    """NFKC, in which a superscript stays a power and is not one more digit; invisible letters are dropped."""
    powers = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: f"^({found.group().translate(_SUPERSCRIPTS)})", text[:_TAIL])
    wide = unicodedata.normalize("NFKC", powers).replace("\u2044", "/").replace("\u2212", "-").replace("\u2013", "-")
    return "".join(letter for letter in wide if unicodedata.category(letter) != "Cf")
