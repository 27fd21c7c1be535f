"""Does a prompt name the labels to choose from? Read from its instruction; when in doubt, it does not."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from synapse_cli.backends import phrases
from synapse_cli.backends.instruction import asks, sentences, sets_task, take_apart

Labels = tuple[str, ...]

_MOST_LABELS = 60
_LONGEST_LABEL = 40
_MOST_WORDS = 4
_LONGEST_SCALE = 10
_SHORT = 30
"""Characters of a paragraph that holds little besides "yes or no"."""

Joined = Literal["any", "or", "sure"]
"""What makes a row: commas alone; an "or", a slash or a bar; or, where little else tells, labels that are short too."""


def find_labels(prompt: str) -> Labels:
    """The labels in the order and spelling in which they are named, or an empty tuple."""
    parts = take_apart(prompt)
    first_sets, last_sets = sets_task(parts.first), sets_task(parts.last)
    if found := _named(parts.first, has_text=parts.has_text):
        return found
    if first_sets and phrases.HEAD.match(parts.second) and (found := _headed(parts.second)):
        return found
    if not first_sets and (last_sets or asks(parts.last)) and (found := _named(parts.last, has_text=parts.has_text)):
        return found
    for paragraph in (parts.first, "" if first_sets else parts.last):
        if found := _implied(paragraph, has_text=parts.has_text):
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
    match = phrases.YES_NO.search(paragraph)
    if match and (sets_task(paragraph) or "?" in paragraph or len(paragraph) < _SHORT):
        return (match.group(1), match.group(2))
    return ()


def _headed(paragraph: str) -> Labels:
    """`Labels: a, b, c`, or a list under such a heading, one a line."""
    for match in (*phrases.HEAD.finditer(paragraph), *phrases.CAPITAL_HEAD.finditer(paragraph)):
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
        bare = phrases.BULLET.sub("", line).strip()
        if not bare:
            break
        labels.append(phrases.NOTE.split(bare, maxsplit=1)[0])
    return _checked(labels)


def _in_sentence(sentence: str, *, has_text: bool, alone: bool) -> Labels:
    """Labels that one sentence names, from the surest sign to the least sure."""
    # what stands behind a colon may be the text already
    sets, other = sets_task(sentence), bool(phrases.OTHER_TASK.search(sentence.partition(": ")[0]))
    if sets or phrases.ANSWER.match(sentence) or phrases.LIMITS.search(sentence):
        for match in phrases.ANY_OF.finditer(sentence):
            if found := _row(_clause(sentence[match.end() :]), "any"):
                return found
    if not other and (found := _quoted(sentence)):
        return found
    if sets and not other and (found := _told(sentence)):
        return found
    if answer := phrases.ANSWER.match(sentence):
        joined: Joined = "any" if phrases.PICKS.match(sentence) and not other else "or"
        if found := _row(_clause(sentence[answer.end() :]), joined):
            return found
    if found := _bracketed(sentence, sure=sets and not other, other=other):
        return found
    return _bare(sentence, sets=sets, alone=alone) if has_text and not other else ()


def _told(sentence: str) -> Labels:
    """`rate it from 1 to 5`, `classify it as a or b`, `tell me whether it is a or b`."""
    if found := _scale(sentence):
        return found
    for match in phrases.AS.finditer(sentence):
        surely = match.group(1).lower() in {"as", "into", "under"}
        if found := _row(_clause(sentence[match.end() :]), "any" if surely else "or"):
            return found
    for match in phrases.WHETHER.finditer(sentence):
        if not phrases.OR_NOT.search(sentence) and (found := _alternatives("is " + sentence[match.end() :])):
            return found
    return ()


def _scale(sentence: str) -> Labels:
    match = phrases.SCALE.search(sentence)
    if match is None or not phrases.RATES.search(sentence):
        return ()
    low, high = int(match.group(1)), int(match.group(2))
    return tuple(str(number) for number in range(low, high + 1)) if 0 < high - low <= _LONGEST_SCALE else ()


def _bracketed(sentence: str, *, sure: bool, other: bool) -> Labels:
    """`(low/medium/high)`; with commas only where the sentence sets a task of choosing."""
    for match in phrases.BRACKETS.finditer(sentence):
        inner = match.group(1).strip()
        if phrases.EXAMPLE.match(inner) or "://" in inner:
            continue
        plain = sure or (not other and re.search(r"[/|]|\bor\b", inner))
        if plain and (found := _row(re.sub(r"^(?:one of|either):?\s+", "", inner, flags=re.IGNORECASE), "any")):
            return found
    return ()


def _quoted(sentence: str) -> Labels:
    """`"spam" or "ham"`: short quotations in a row."""
    matches = list(phrases.QUOTED.finditer(sentence))
    between = {sentence[left.end() : right.start()].strip().lower() for left, right in pairwise(matches)}
    if between - {"and"} and between <= {",", "or", ", or", "/", "|", ";", "and", ", and"}:
        return _checked([match.group(1) for match in matches])
    return ()


def _bare(sentence: str, *, sets: bool, alone: bool) -> Labels:
    """A row alone (`spam or ham?`), before a colon (`a, b, c: which is it?`), or after one (`Sentiment: a or b`)."""
    if sets and (match := phrases.BEFORE_COLON.match(sentence)):
        return _row(_clause(sentence[match.end() :]), "sure")
    if sets or asks(sentence) or not alone:
        return ()
    before, colon, after = sentence.partition(":")
    if colon:
        return _row(before, "sure") if sets_task(after.strip()) else ()
    return _row(sentence, "sure")


def _implied(paragraph: str, *, has_text: bool) -> Labels:
    """Labels that a question only implies: `is it spam or ham?`, or yes and no."""
    lines = sentences(paragraph)
    if any(phrases.OTHER_TASK.match(line) for line in lines):
        return ()
    for line in dict.fromkeys((*lines[:1], *lines[-1:])):
        question, _, behind = line.partition("?" if "?" in line else ": ")
        text_follows = bool(behind.strip()) or (line == lines[0] and len(lines) > 1 and _points(question))
        if asks(line) and (has_text or text_follows) and not phrases.OTHER_TASK.search(question):
            return _answers(question) if "?" in line else _alternatives(question)
    return ()


def _points(question: str) -> bool:
    """Whether it asks about this or that, which must then stand somewhere."""
    return bool(phrases.POINTS.match(question))


def _answers(question: str) -> Labels:
    if phrases.OR_NOT.search(question):
        return ("yes", "no")
    if phrases.SEPARATED.search(question):
        return _alternatives(question)
    return () if phrases.ADDRESSED.match(question) else ("yes", "no")


def _alternatives(question: str) -> Labels:
    """The alternatives of `is this review positive or negative?`: what follows its subject."""
    rest = phrases.IS.sub("", question.strip(), count=1)
    if rest == question.strip():
        return ()
    subject = phrases.SUBJECT.match(rest) or re.match(r"(?:it|this|that)\s+(?:is\s+)?", rest, re.IGNORECASE)
    if subject is None:
        return ()
    rest = phrases.COPULA.sub("", rest[subject.end() :])
    listed = rest.count(",") > 1 or ";" in rest or rest[:1] in "([" or subject.group().rstrip().endswith(":")
    return _row(_clause(rest.rstrip("?")), "any" if listed else "or")


def _row(text: str, joined: Joined) -> Labels:
    """The labels of a row."""
    text = text.strip().strip("()[]{}<>").rstrip(".?!:;, ").strip()
    has_or = bool(phrases.ALTERNATIVE.search(text))
    if joined == "or" and not has_or:
        return ()
    labels = [label for label in _split(text, by_and=joined == "any") if label.strip()]
    if labels:
        labels[-1] = phrases.TAIL.sub("", labels[-1])
        labels[0] = phrases.LEAD.sub("", labels[0])
    found = _checked(labels)
    most_words = 3 if has_or else 2
    return () if joined == "sure" and any(len(label.split()) > most_words for label in found) else found


def _split(text: str, *, by_and: bool) -> list[str]:
    """Cut at bars or semicolons, else at commas and at the last word between two, else at slashes."""
    if "|" in text or ";" in text:
        return re.split(r"\s*[|;]\s*", text)
    parts = re.split(r"\s*,\s*", text)
    pieces = [piece for part in parts for piece in phrases.CONJUNCTION.split(part)]
    if len(parts) > 1 and not phrases.EITHER.search(text):
        return [*pieces[:-1], *re.split(r"\s+(?:and|&)\s+", pieces[-1])]
    if len(pieces) == 1 and "/" in text:
        return re.split(r"\s*/\s*", text)
    if len(pieces) == 1 and by_and:
        return re.split(r"\s+and\s+", text)
    return pieces


def _clause(text: str) -> str:
    """Up to the end of the sentence, or to a colon or dash behind which the text stands."""
    return phrases.CLAUSE_END.split(text.split("\n", 1)[0], maxsplit=1)[0]


def _checked(raw: list[str]) -> Labels:
    """The labels, if all of them look like labels."""
    marks = phrases.OPENING + phrases.CLOSING + "*[](){}<>"
    labels = [label.strip().strip(marks).rstrip(".?!").strip() for label in raw]
    if labels and all(phrases.ARTICLE.match(label) for label in labels[1:] or labels):
        labels = [phrases.ARTICLE.sub("", label) for label in labels]
    folded = tuple(label.casefold() for label in labels)
    if not 2 <= len(labels) <= _MOST_LABELS or len(set(folded)) < len(labels) or folded in phrases.NOT_PAIRS:
        return ()
    return tuple(labels) if all(_is_label(label) for label in labels) else ()


def _is_label(text: str) -> bool:
    short = 0 < len(text) <= _LONGEST_LABEL and len(text.split()) <= _MOST_WORDS
    return short and not phrases.NOT_A_LABEL.match(text)
