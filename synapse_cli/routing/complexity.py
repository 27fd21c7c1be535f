"""How much does a prompt ask? A stated measure of its words, not of how hard the question is.

    length       log2(words / 25), from 0 to 3: 25 words count nothing, 200 and more count 3
    steps        things asked one after another (numbered lines, commands, questions) beyond the first, up to 3
    constraints  half a point for each "at most", "exactly", "must", "without", …, up to 2
    nesting      half a point for each condition or clause (if, unless, which, because, …) beyond the second, up to 2
    maths        1.5 where there is a formula, an equation or a proof
    code         1 where there is code, or code is asked for
    reasoning    1.5 where it asks to prove, derive, design, compare, analyse, …

Below 2 it is simple, below 5 moderate, else complex. "What is the meaning of life?" is simple by this measure, as it
is a short question; what is hard for a model is what `synapse tune` learns. The words are English, German, French and
Spanish; length, numbered steps, formulas and code are told in any language.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synapse_cli.profile.model import Complexity

MODERATE, COMPLEX = 2.0, 5.0
_UNCOUNTED_WORDS = 25
_FENCE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•]|step \d+:?)\s+\S", re.MULTILINE | re.IGNORECASE)
_COMMAND = re.compile(
    r"(?:^|[.;!?\n]\s*|\b(?:and|then|und|dann|et|puis|y|luego)\s+(?:then\s+)?)(?:please\s+|bitte\s+)?"
    r"(?:write|list|explain|give|find|compute|calculate|translate|summari[sz]e|compare|classify|extract|create|make|"
    r"implement|design|prove|show|describe|sort|convert|rewrite|fix|add|remove|count|draw|plan|analy[sz]e|evaluate|"
    r"schreibe|liste|erkläre|berechne|übersetze|vergleiche|finde|écris|explique|calcule|traduis|compare|escribe|"
    r"explica|calcula|traduce)\b",
    re.IGNORECASE,
)
_CONSTRAINT = re.compile(
    r"\b(?:at (?:most|least)|no (?:more|less|fewer) than|exactly|must(?: not)?|without|only|do(?:n't| not)|never|"
    r"between \d+ and \d+|in (?:under |fewer than )?\d+ (?:words|lines|sentences)|each|every|höchstens|mindestens|"
    r"genau|ohne|nur|jede[rs]?|au (?:plus|moins)|exactement|sans|seulement|chaque|como máximo|al menos|exactamente|"
    r"sin|cada)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?:if|unless|otherwise|whereas|because|although|which|whose|while|given that|such that|so that|wenn|falls|"
    r"sonst|weil|obwohl|welche[rs]?|während|sodass|sinon|parce que|lequel|tandis que|si no|porque|mientras)\b",
    re.IGNORECASE,
)
_MATHS = re.compile(
    r"\$[^$\n]+\$|\\(?:frac|sum|int|sqrt|begin)\b|\b\w\s*\^\s*\d|[∑∫√≤≥≠∂∞]|\b\w{1,2}\s*=\s*[\w(-]|\d\s+[-+*/]\s+\d|\d\s*[*^]\s*\d|"
    r"\b(?:theorem|integral|derivative|equation|eigenvalue|probability that|modulo|prime)\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|\b(?:def|class|import|return|function|SELECT)\b.*[({;:*]|[{};]\s*$|"
    r"\b(?:python|javascript|typescript|rust|java|c\+\+|sql|regex|bash|unit tests?|refactor|stack ?trace|compile)\b",
    re.IGNORECASE | re.MULTILINE,
)
_REASONING = re.compile(
    r"\b(?:prove|derive|design|compare|analy[sz]e|evaluate|optimi[sz]e|trade-?offs?|critique|justify|step by step|"
    r"pros and cons|explain why|beweise|leite|entwirf|vergleiche|analysiere|begründe|prouve|compare|analyse|"
    r"justifie|demuestra|analiza|justifica)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """How much a prompt asks."""

    level: Complexity
    score: float
    signs: tuple[tuple[str, float], ...]
    """What adds up to the score; what counts nothing is left out."""

    @property
    def why(self) -> str:
        """One line."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.signs) or "short and plain"
        return f"{self.level} ({self.score:.1f}: {told})"


@lru_cache(maxsize=8)
def complexity(prompt: str, words: str = "") -> Measure:
    """Measure a prompt; `words` is what was typed beside a text: where there is one, only they tell the rest."""
    told = words or prompt
    prose = _FENCE.sub(" ", told)
    counted = len(prompt.split())
    steps = max(len(_NUMBERED.findall(prose)), len(_COMMAND.findall(prose)), prose.count("?"))
    found = {
        "length": min(3.0, max(0.0, math.log2(max(1, counted) / _UNCOUNTED_WORDS))),
        "steps": float(min(3, max(0, steps - 1))),
        "constraints": min(2.0, 0.5 * len(_CONSTRAINT.findall(prose))),
        "nesting": min(2.0, max(0.0, 0.5 * (len(_CLAUSE.findall(prose)) - 2))),
        "maths": 1.5 * bool(_MATHS.search(prose)),
        "code": 1.0 * bool(_CODE.search(told)),
        "reasoning": 1.5 * bool(_REASONING.search(prose)),
    }
    signs = tuple((name, round(value, 1)) for name, value in found.items() if round(value, 1) > 0)
    score = round(math.fsum(found.values()), 2)
    level: Complexity = "simple" if score < MODERATE else "moderate" if score < COMPLEX else "complex"
    return Measure(level, score, signs)
