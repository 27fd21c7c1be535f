"""Does a prompt name the labels to choose from? Read from its instruction; when in doubt, it does not."""

from __future__ import annotations

import re

from synapse_cli.backends.instruction import asks, sentences, sets_task, take_apart

Labels = tuple[str, ...]

_MOST_LABELS = 60
_LONGEST_LABEL = 40
_MOST_WORDS = 4
_NOUN = r"(?:labels?|class(?:es)?|categor(?:y|ies)|options?|choices?|values?|answers?|tags?|types?|topics?|departments?|levels?|outputs?)"
_HEAD = re.compile(
    rf"(?:^|(?<=[.?!:,;)] )|(?<=\n))(?:the |your |use (?:the |these )?|from (?:the |these )?)?"
    rf"(?:(?:possible|allowed|valid|available|permitted|candidate|following|answer|label)\s+)*"
    rf"(?:{_NOUN}(?: (?:to choose from|are|is|set|names?))*|(?:choose|pick|select)(?: exactly)? one(?: of)?(?: {_NOUN})?(?: from)?(?: the following)?|one of)"
    rf"[ \t]*[:=][ \t]*",
    re.IGNORECASE,
)
_CAPITAL_HEAD = re.compile(
    r"(?<=\w )(?:Labels|Options|Choices|Categories|Classes|Possible values|Allowed values):[ \t]*"
)
_ANY_OF = re.compile(
    rf"\b(?:(?:exactly |only |just )?one of|(?:choose|pick|select|decide|choosing|picking)(?: one| exactly one| only one)?(?: {_NOUN})? "
    r"(?:from(?: among)?|between|among|out of|of)|either)\b"
    rf"(?: (?:the following|these|those|the)(?: \w+)?(?: {_NOUN})?| {_NOUN})?\s*:?\s+(?=\S)",
    re.IGNORECASE,
)
_AS = re.compile(
    r"\b(?:classif\w+|label\w*|categori[sz]\w*|tag\w*|mark\w*|flag\w*|rate|grade|judge|treat|describe|identif\w+|sort\w*|bucket\w*|group\w*|put|"
    r"file|triage|divide|split|decide|determine|detect|assign\w*|route|send|forward|move|score)\b[^.?!\n:]{0,80}?\b(as|into|under|to|in)\b\s+(?=\S)",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"^(?:please |and |then |just |only )*(?:answer|reply|respond|say|return|output|print|write|pick|choose|select|use)"
    r"(?: (?:only|just|exactly|simply|strictly|with|by|in|me|the word|the words|a single|one|word|either|saying|back))*\s*:?\s+(?=\S)",
    re.IGNORECASE,
)
_WHETHER = re.compile(r"\b(?:whether|if)\s+(?=\S)", re.IGNORECASE)
_COLON = re.compile(r"^[^:\n]{2,80}(?<!\d):\s+(?=\S)")
_BRACKETS = re.compile(r"[(\[{<]([^()\[\]{}<>\n]{3,400})[)\]}>]")
_QUOTED = re.compile(r"([\"'“‘`])([^\"'“”‘’`\n]{1,40})[\"'”’`]")
_YES_NO = re.compile(
    r"\b(yes|y|true|ja|oui|si)\b[\"'”]?\s*(?:/|\||,|,? or |,? oder | ou | o )\s*[\"'“]?(no|n|false|nein|non)\b",
    re.IGNORECASE,
)
_OR_NOT = re.compile(r"\bor not\b|\bwhether or not\b", re.IGNORECASE)
_SCALE = re.compile(r"\b(?:from |scale of |between )?(\d)\s*(?:to|-|–|and)\s*(\d{1,2})\b", re.IGNORECASE)
_OTHER_TASK = re.compile(
    r"\b(?:extract|summar\w+|translat\w+|write|rewrite|explain|list|find|convert|turn|compare|difference|define|replace|rhyme|"
    r"calculate|json|fields?|keys?|columns?|correct|fix|paraphrase|generate|compose|draft|pull|collect|spell)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"^\w+ (?:you|we|i|there|anyone|anybody|someone)\b", re.IGNORECASE)
_IS = re.compile(r"^(?:so |and |now )?(?:is|are|was|were)\s+", re.IGNORECASE)
_SUBJECT = re.compile(
    r"^(?:(?:the|this|that|these|those|my|our|your|his|her|their)(?: (?:\w+'s|overall|following|above))?"
    r" (?:reviews?|tickets?|e?-?mails?|messages?|logs?|lines?|texts?|comments?|customers?|tweets?|posts?|articles?|requests?|sentences?|"
    r"documents?|notes?|feedback|users?|writers?|authors?|tone|sentiment|issues?|complaints?|entr(?:y|ies)|events?|records?|calls?|chats?|"
    r"conversations?|questions?|answers?|products?|orders?|letters?|reports?|headlines?|titles?|story|paragraphs?|sms|reply|response|input|"
    r"statements?|claims?|invoices?|senders?|persons?|opinions?|mood|priority|severity|language|status|errors?|log (?:line|entry|message))|it|this|that|these|those|they|he|she)\b"
    r"(?: (?:about|in|of|more|rather|mostly|mainly|either|written in|best described as|overall|currently|probably|likely))*\s+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+(?:based|depending|according|by|for|with|please|only|then|from|in (?:this|the|one|your)|and (?:then|explain|say|nothing|return|"
    r"give|reply|answer|tell)|without|using|if|when|nothing|no (?:other|explanation)|as (?:a|the|one)|do not|don't|that|which|to (?:the|this))\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_LEAD = re.compile(r"^(?:either|one of|exactly|only|just|being|the (?:following|labels|words?)|a|an)\s+", re.IGNORECASE)
_NOT_LABELS = re.compile(
    r"^(?:its?|their|my|your|his|her|all|any|each|every|this|that|them|me|you|i|we|he|she|they|what|who|how|why|when|where|"
    r"the|can|could|should|do|does|did|is|are|will|would|has|have|if)\b",
    re.IGNORECASE,
)
_NOT_PAIRS = {
    ("and", "or"),
    ("he", "she"),
    ("his", "her"),
    ("him", "her"),
    ("km", "h"),
    ("s", "he"),
    ("input", "output"),
    ("n", "a"),
}


def find_labels(prompt: str) -> Labels:
    """The labels in the order and spelling in which they are named, or an empty tuple."""
    parts = take_apart(prompt)
    first_sets, last_sets = sets_task(parts.first), sets_task(parts.last)
    if found := _named(parts.first, has_text=parts.has_text):
        return found
    if first_sets and _HEAD.match(parts.second) and (found := _headed(parts.second)):
        return found
    if not first_sets and (last_sets or asks(parts.last)) and (found := _named(parts.last, has_text=parts.has_text)):
        return found
    for paragraph in (parts.first, "" if first_sets else parts.last):
        if parts.has_text and (found := _implied(paragraph)):
            return found
    return ()


def _named(paragraph: str, *, has_text: bool) -> Labels:
    """Labels that an instruction spells out."""
    if match := _yes_no(paragraph):
        return match
    if found := _headed(paragraph):
        return found
    lines = sentences(paragraph)
    for sentence in lines:
        if found := _in_sentence(sentence, has_text=has_text, alone=len(lines) == 1 or sets_task(lines[0])):
            return found
    return ()


def _yes_no(paragraph: str) -> Labels:
    match = _YES_NO.search(paragraph)
    if match and (sets_task(paragraph) or asks(paragraph) or len(paragraph) < 30 or "?" in paragraph):
        return (match.group(1), match.group(2))
    return ()


def _headed(paragraph: str) -> Labels:
    """`Labels: a, b, c`, or a list under such a heading, one a line."""
    for match in (*_HEAD.finditer(paragraph), *_CAPITAL_HEAD.finditer(paragraph)):
        rest = paragraph[match.end() :]
        line, _, below = rest.partition("\n")
        if line.strip():
            found = _row(_clause(line), "any")
        else:
            found = _bullets(below)
        if found:
            return found
    return ()


def _bullets(text: str) -> Labels:
    labels = []
    for line in text.split("\n"):
        bare = re.sub(r"^\s*(?:[-*•–+]|\d{1,2}[.)]|[a-z][.)])\s+", "", line).strip()
        if not bare:
            break
        labels.append(re.split(r"\s*(?::|\s[-–—]\s|\s\()\s*", bare, maxsplit=1)[0])
    return _checked(labels)


def _in_sentence(sentence: str, *, has_text: bool, alone: bool) -> Labels:
    sets = sets_task(sentence)
    other = bool(_OTHER_TASK.search(sentence))
    if (
        sets
        or _ANSWER.match(sentence)
        or re.search(r"\b(?:must|should) be\b|^(?:exactly |only )?one of\b", sentence, re.I)
    ):
        for match in _ANY_OF.finditer(sentence):
            if found := _row(_clause(sentence[match.end() :]), "any"):
                return found
    if not other and (found := _quoted(sentence)):
        return found
    if sets and not other:
        if found := _scale(sentence):
            return found
        for match in _AS.finditer(sentence):
            into = match.group(1).lower() in {"as", "into", "under"}
            if found := _row(_clause(sentence[match.end() :]), "any" if into else "or"):
                return found
        for match in _WHETHER.finditer(sentence):
            if not _OR_NOT.search(sentence) and (found := _alternatives("is " + sentence[match.end() :])):
                return found
    if match := _ANSWER.match(sentence):
        picks = re.match(r"(?:please )?(?:pick|choose|select)", sentence, re.IGNORECASE)
        if found := _row(_clause(sentence[match.end() :]), "any" if picks and not other else "or"):
            return found
    if found := _bracketed(sentence, sure=sets and not other, other=other):
        return found
    if has_text and not other:
        return _bare(sentence, sets=sets, alone=alone)
    return ()


def _scale(sentence: str) -> Labels:
    match = _SCALE.search(sentence)
    if match is None or not re.search(r"\b(?:rate|score|grade|scale|stars?|rating|points?)\b", sentence, re.IGNORECASE):
        return ()
    low, high = int(match.group(1)), int(match.group(2))
    return tuple(str(number) for number in range(low, high + 1)) if 0 < high - low <= 10 else ()


def _bracketed(sentence: str, *, sure: bool, other: bool) -> Labels:
    """`(low/medium/high)`; with commas only where the sentence sets a task of choosing."""
    for match in _BRACKETS.finditer(sentence):
        inner = re.sub(r"^(?:one of|either|e\.g\.|i\.e\.)[:,]?\s+", "", match.group(1).strip(), flags=re.IGNORECASE)
        if re.match(r"(?:e\.g|i\.e|for example|such as|see|like)\b", match.group(1), re.IGNORECASE):
            continue
        if "://" in inner:
            continue
        if (sure or (not other and re.search(r"[/|]|\bor\b", inner))) and (found := _row(inner, "any")):
            return found
    return ()


def _quoted(sentence: str) -> Labels:
    """`"spam" or "ham"`: short quotations in a row."""
    matches = list(_QUOTED.finditer(sentence))
    if len(matches) < 2:
        return ()
    between = [
        sentence[left.end() : right.start()].strip().lower() for left, right in zip(matches, matches[1:], strict=False)
    ]
    if all(gap in {",", "or", ", or", "/", "|", ";", "and", ", and"} for gap in between) and set(between) - {"and"}:
        return _checked([match.group(2) for match in matches])
    return ()


def _bare(sentence: str, *, sets: bool, alone: bool) -> Labels:
    """A row alone (`spam or ham?`), before a colon (`a, b, c: which is it?`), or after one (`Sentiment: a or b`)."""
    if sets and (match := _COLON.match(sentence)):
        return _row(_clause(sentence[match.end() :]), "sure")
    if sets or asks(sentence) or not alone:
        return ()
    before, colon, after = sentence.partition(":")
    if colon:
        return _row(before, "sure") if sets_task(after.strip()) else ()
    return _row(sentence, "sure")


def _implied(paragraph: str) -> Labels:
    """Labels that a question only implies: `is it spam or ham?`, or yes and no."""
    lines = sentences(paragraph)
    if not lines or any(_OTHER_TASK.search(line) for line in lines):
        return ()
    for line in (lines[0], lines[-1]):
        if not asks(line) or not line.rstrip().endswith("?"):
            continue
        if _OR_NOT.search(line):
            return ("yes", "no")
        if re.search(r"\bor\b|[,;/|]", line):
            return _alternatives(line)
        if not _ADDRESSED.match(line):
            return ("yes", "no")
    return ()


def _alternatives(question: str) -> Labels:
    """The alternatives of `is this review positive or negative?`: what follows its subject."""
    rest = _IS.sub("", question.strip(), count=1)
    if rest == question.strip():
        return ()
    subject = _SUBJECT.match(rest) or re.match(r"(?:it|this|that)\s+(?:is\s+)?", rest, re.IGNORECASE)
    if subject is None:
        return ()
    rest = re.sub(r"^(?:is|are|was|were|it is)\s+", "", rest[subject.end() :])
    return _row(_clause(rest.rstrip("?")), "or" if rest.count(",") < 2 and ";" not in rest else "any")


def _row(text: str, joined: str) -> Labels:
    """Labels in a row. `joined`: "any" takes commas alone; "or" wants an or, slash or bar; "sure" wants short ones too."""
    text = text.strip().strip("()[]{}<>").rstrip(".?!:;, ").strip()
    has_or = bool(re.search(r"\bor\b|\bversus\b|\bvs\b|[/|;]", text, re.IGNORECASE))
    if joined == "or" and not has_or:
        return ()
    if "|" in text or ";" in text:
        raw = re.split(r"\s*[|;]\s*", text)
    else:
        parts = re.split(r"\s*,\s*", text)
        raw = [
            piece
            for part in parts
            for piece in re.split(r"^(?:or|and)\s+|\s+(?:or|versus|vs\.?)\s+", part, flags=re.IGNORECASE)
        ]
        if len(parts) > 1 and not re.search(r"\bor\b", text, re.IGNORECASE):
            raw = [*raw[:-1], *re.split(r"\s+(?:and|&)\s+", raw[-1])]
        elif len(raw) == 1 and "/" in text:
            raw = re.split(r"\s*/\s*", text)
        elif len(raw) == 1 and joined == "any":
            raw = re.split(r"\s+and\s+", text)
    labels = [label for label in raw if label.strip()]
    if labels:
        labels[-1] = _TAIL.sub("", labels[-1])
        labels[0] = _LEAD.sub("", labels[0])
    found = _checked(labels)
    if joined == "sure" and any(len(label.split()) > (3 if has_or else 2) for label in found):
        return ()
    return found


def _clause(text: str) -> str:
    """Up to the end of the sentence, or to a colon or dash behind which the text stands."""
    text = _first_sentence(text.split("\n", 1)[0])
    return re.split(r":\s|:$|\s[–—-]\s|\?", text, maxsplit=1)[0]


def _first_sentence(line: str) -> str:
    return re.split(r"(?<=\w)[.](?:\s+|$)|(?<=[\"')\]])[.](?:\s+|$)", line, maxsplit=1)[0]


def _checked(raw: list[str]) -> Labels:
    """The labels, if all of them look like labels."""
    labels = [label.strip().strip("\"'“”‘’`*[](){}<>").rstrip(".?!").strip() for label in raw]
    if labels and all(_ARTICLE.match(label) for label in labels):
        labels = [_ARTICLE.sub("", label) for label in labels]
    elif len(labels) > 1 and all(_ARTICLE.match(label) for label in labels[1:]):
        labels = [_ARTICLE.sub("", label) for label in labels]
    lowered = tuple(label.casefold() for label in labels)
    if not 2 <= len(labels) <= _MOST_LABELS or len(set(lowered)) < len(labels) or lowered in _NOT_PAIRS:
        return ()
    for label in labels:
        if not label or len(label) > _LONGEST_LABEL or len(label.split()) > _MOST_WORDS or _NOT_LABELS.match(label):
            return ()
        if re.search(r"[\n\t=@:]|\w\.\s|[!?]", label) or not re.search(r"\w", label):
            return ()
    return tuple(labels)
