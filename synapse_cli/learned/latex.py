r"""What does a formula of TeX say in plain signs? `\frac{1}{2}` is `(1)/(2)`, `\sqrt{3}` is `sqrt(3)`."""

from __future__ import annotations

import re

_WORDS = {
    "cdot": "*",
    "times": "*",
    "div": "/",
    "pm": "±",
    "pi": "pi",
    "infty": "infinity",
    "le": "<=",
    "leq": "<=",
    "ge": ">=",
    "geq": ">=",
    "ne": "!=",
    "neq": "!=",
    "circ": "°",
    "degree": "°",
    "cup": "∪",  # noqa: RUF001  # the sign of a union
    "cap": "∩",
    "in": "∈",
    "approx": "≈",
    "dots": "...",
    "ldots": "...",
    "cdots": "...",
    "qquad": " ",
    "quad": " ",
    "left": "",
    "right": "",
    "big": "",
    "Big": "",
    "displaystyle": "",
}
_BRACED = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_ROUNDS = 6
"""How deep formulas nest that are read; deeper ones stay as they are."""


def plain(text: str) -> str:
    """Say a formula in plain signs; a text without any comes back as it was."""
    if "\\" not in text and "$" not in text and "√" not in text and "^" not in text and "π" not in text:
        return text
    told = re.sub(r"\\+(?=[A-Za-z{}$%!,;: ()\[\]])", r"\\", text)
    told = re.sub(r"\\[!,;: ]|~", " ", told)
    told = re.sub(r"\\[()\[\]]", "", told)
    told = re.sub(r"\\([$%])", r"\1", told).replace("$$", "$") if "\\$" not in told else _priced(told)
    told = re.sub(r"(\d)\s*\\[dtc]?frac\{(\d+)\}\{(\d+)\}", r"\1 \2/\3", told)
    for _ in range(_ROUNDS):
        before = told
        told = re.sub(rf"\\[dtc]?frac\s*{_BRACED}\s*{_BRACED}", r"((\1)/(\2))", told)
        told = re.sub(r"\\[dtc]?frac\s*(\d)\s*(\d)", r"(\1/\2)", told)
        told = re.sub(rf"\\sqrt\s*\[([^\]]*)\]\s*{_BRACED}", r"((\2)^(1/(\1)))", told)
        told = re.sub(rf"\\sqrt\s*{_BRACED}", r"sqrt(\1)", told)
        told = re.sub(r"\\sqrt\s*(\w)", r"sqrt(\1)", told)
        told = re.sub(rf"\\(?:text|mathrm|mathbf|textbf|operatorname|mbox|boxed)\s*{_BRACED}", r" \1", told)
        told = re.sub(rf"\^\s*{_BRACED}", r"^(\1)", told)
        if told == before:
            break
    told = re.sub(r"\\([{}])", r"\1", told)
    told = re.sub(r"\\([A-Za-z]+)", lambda found: _WORDS.get(found.group(1), found.group(1)), told)
    told = re.sub(r"√\s*(\d+(?:\.\d+)?|\w)", r"sqrt(\1)", told).replace("√", "sqrt")
    told = told.replace("π", "pi").replace("^°", "°").replace("^(°)", "°")
    told = re.sub(r"\^\((\w)\)", r"^\1", told)
    return re.sub(r"\$([^$]*)\$", r"\1", told).strip()


def _priced(text: str) -> str:
    """A formula with a price in it: the dollars that only enclose go, the one that is meant stays."""
    return re.sub(r"(?<!\\)\$", "", text).replace("\\$", "$").replace("\\%", "%")
