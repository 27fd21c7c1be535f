"""What must be equal in two prompts, however alike they are? Numbers, names, negations, code, what is quoted.

Each of these turns one question into another while nearly all words stay ("from Canada to India", "from India to
Canada"; 2016, 2014), and vectors hardly see it: such pairs have cosines of .99. So nobody's score outvotes these rules.
They err on the careful side: a German noun counts as a name, and text in a script without capitals must have the same
words. Pure Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_STOP = re.compile(r"[.?!:;\n]")
_NUMBER = re.compile(r"[^\W_]*\d[^\W_]*(?:[.,:/-]\d+)*%?")
_FENCE = re.compile(r"`+[^`]+`+")
_QUOTE = re.compile(r"[\"“«„]([^\"“”«»„]{1,400})[\"”»“]")
_CHUNK = re.compile(r"\S+")
_AROUND = ".,;:!?\"'“”\u2018\u2019«»„()[]…"
_SIGN = re.compile(r"[_/\\@#$%^&*+=<>{}\[\]|~`€£¥°±\u00d7÷√∑∫≤≥≠]|::|->|[a-z][A-Z]|[^\W\d_]\.[^\W\d_]|\(\)|\w\(")
_MOST_WORDS = 400
"""Beyond it nothing is compared: so long a prompt is no question that somebody else asks again."""

_NUMBER_WORDS_LINES = """
zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen half double
twice triple second third fourth fifth sixth
"""
_NUMBER_WORDS = frozenset(_NUMBER_WORDS_LINES.split())
_NEGATIONS_LINES = """
not no never none nobody nothing neither nor without cannot except unless hardly non nicht kein keine keinen keiner
nie niemals ohne ne pas jamais sans aucun sin nunca senza mai não sem nem dont doesnt didnt isnt arent wasnt werent
wont wouldnt cant couldnt shouldnt havent hasnt hadnt aint
"""
_NEGATIONS = frozenset(_NEGATIONS_LINES.split())
_NO_NAMES_LINES = """
a about after all also am among an and any are as at be because been before being best between but by can could did do
does each else few for from had has have having he her here his how i if in into is it its let many may me might more
most much must my of off on one only or other our please shall she should since so some such than that the their them
then there these they this those to under until up us was we were what what's whats when where whether which while who
who's whom whose why will with would you your i'm i've i'd i'll it's let's there's how's hi hello hey thanks dear add
answer ask build calculate change check choose classify compare complete compute convert correct count create debug
define describe design draft draw edit estimate evaluate explain extract fill find fix generate get give guess help
identify improve implement invent list look make name outline paraphrase pick plan predict prove provide rank read
recommend reformulate remove replace reply rephrase restate return review rewrite say select send shorten show
simplify solve sort state suggest summarise summarize tell test think translate turn try understand use work write
"""
_NO_NAMES = frozenset(_NO_NAMES_LINES.split())
"""Words that begin a sentence, and say by their capital nothing of being a name."""


def difference(first: str, second: str) -> str:
    """What of that which must be equal differs, in a word or two; empty where nothing does.

    Symmetric: which prompt is which does not matter.
    """
    if first == second:
        return ""
    first, second = _plain(first), _plain(second)
    words = (_WORD.findall(first), _WORD.findall(second))
    if max(map(len, words)) > _MOST_WORDS:
        return "a long prompt"
    for what, found in (("code", _code), ("a quotation", _quotations), ("a number", _numbers)):
        if found(first) != found(second):
            return what
    folded = tuple([word.casefold() for word in each] for each in words)
    for what, kept in (("a negation", _is_negation), ("a word of its script", _has_no_case)):
        if [word for word in folded[0] if kept(word)] != [word for word in folded[1] if kept(word)]:
            return what
    names = {*_names(first), *_names(second)}
    if [word for word in folded[0] if word in names] != [word for word in folded[1] if word in names]:
        return "a name"
    return ""


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _code(text: str) -> Sequence[str]:
    """Fenced and inline code, paths, addresses, formulas, names from programs: letter by letter."""
    fenced = _FENCE.findall(text)
    chunks = (chunk.strip(_AROUND) for chunk in _CHUNK.findall(_FENCE.sub(" ", text)))
    return fenced + [chunk for chunk in chunks if _SIGN.search(chunk)]


def _quotations(text: str) -> Sequence[str]:
    return [each.casefold() for each in _QUOTE.findall(text)]


def _numbers(text: str) -> Sequence[str]:
    digits = [number.casefold() for number in _NUMBER.findall(text)]
    return digits + [word for word in _WORD.findall(text.casefold()) if word in _NUMBER_WORDS]


def _is_negation(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(("n't", "n\u2019t"))


def _has_no_case(word: str) -> bool:
    """Whether a word is of a script without capitals, where names do not show."""
    return not word.isascii() and any(each.isalpha() and each.lower() == each.upper() for each in word)


def _names(text: str) -> Iterator[str]:
    """Words that begin with a capital; at the start of a sentence only where no other reason for it is known."""
    end = 0
    for match in _WORD.finditer(text):
        word = match.group()
        begins = end == 0 or _STOP.search(text, end, match.start()) is not None
        end = match.end()
        folded = word.casefold()
        if word[0].isupper() and (folded not in _NO_NAMES or (len(word) > 1 and word.isupper() and not begins)):
            yield folded
