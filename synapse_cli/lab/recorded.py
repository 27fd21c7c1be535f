"""What became of recorded runs, as an outcome table: whose answer to which prompt was good?

Labels are what people said of answers (`synapse good`, `synapse bad`, `--better`), what a bench graded, how answers
fared against a dearer tier's (`synapse shadow run`), and answers that were not valid. A model that was not asked, or
whose answer nobody judged, is missing: it is never a zero.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from synapse_cli.core.prompt import Json
from synapse_cli.learned.normalised import final, same
from synapse_cli.ledger import blobs
from synapse_cli.ledger.totals import opened, unreadable

Source = Literal["feedback", "bench", "shadow", "check"]
"""Who judged: a person, a bench that knew the right answer, a comparison with a dearer tier, a validity check."""
SOURCES: tuple[Source, ...] = ("feedback", "bench", "shadow", "check")
"""The first that knows is believed."""
_LABELLED = (
    "SELECT r.id FROM (SELECT run FROM feedback UNION SELECT run FROM grades"
    " UNION SELECT run FROM shadows WHERE result IS NOT NULL UNION SELECT run FROM attempts WHERE outcome = 'rejected')"
    " l JOIN runs r ON r.id = l.run LEFT JOIN decisions d ON d.run = r.id WHERE {where} ORDER BY r.id"
)
_RUN = (
    "SELECT r.id, r.model, r.answer, r.prompt, r.system, coalesce(d.route, '-') AS route, g.score AS grade,"
    " f.good, f.better FROM runs r LEFT JOIN decisions d ON d.run = r.id LEFT JOIN grades g ON g.run = r.id"
    " LEFT JOIN feedback f ON f.id = (SELECT max(id) FROM feedback WHERE run = r.id) WHERE r.id = ?"
)
_ATTEMPTS = (
    "SELECT model, outcome, cost, confidence, latency_s, verdicts, answer FROM attempts"
    " WHERE run = ? AND outcome IN ('accepted', 'rejected') AND like_of IS NULL ORDER BY place"
)
"""Not the answers to another prompt that was taken for the same: they say nothing of the model."""
_SHADOW = "SELECT target, result, answer, cost FROM shadows WHERE run = ? AND result IS NOT NULL"
_SCORES = {"same": (1.0, 1.0), "tie": (1.0, 1.0), "better": (1.0, 0.0), "worse": (0.0, 1.0)}
"""How the answer fared → its score, and that of the dearer tier's: only one of them was the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Rows in the form of an outcome table, and how many labels they stand on."""

    rows: tuple[dict[str, Json], ...]
    """`{"id", "task", "prompt", "outcomes": {model: {"score", "cost", …}}}`; the task is the route."""
    labels: Mapping[tuple[str, str, Source], int]
    """(route, model, who judged) → how many outcomes."""
    without_text: int
    """Judged runs whose prompt is not kept: nothing can be learned from them."""
    without_price: int
    """Judged answers whose cost nobody knows: they are left out."""


def recorded_outcomes(
    path: str, *, since: float | None = None, route: str | None = None, tenant: str | None = None
) -> Recorded:
    """Gather what the ledger knows of the quality of answers. Raises InputError where it cannot be read."""
    gathered = _Gathered()
    with closing(opened(path)) as book:
        try:
            for run_id in _labelled(book, since, route, tenant):
                _take(gathered, book, run_id)
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
    return gathered.told()


@dataclass(slots=True)
class _Answer:
    """One answer of a model, and what is known of it."""

    model: str
    text: str | None
    cost: str | None
    confidence: float | None = None
    latency_s: float | None = None
    score: float | None = None
    source: Source = "check"


@dataclass(slots=True)
class _Question:
    """One prompt on one route, and every answer to it."""

    route: str
    prompt: str
    id: str
    answers: list[_Answer] = field(default_factory=list)
    better: list[str] = field(default_factory=list)


class _Gathered:
    def __init__(self) -> None:
        self.questions: dict[str, _Question] = {}
        self.without_text = 0

    def question(self, route: str, system: str | None, prompt: str) -> _Question:
        name = sha256("\0".join((route, system or "", prompt)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.questions.setdefault(name, _Question(route, prompt, name))

    def told(self) -> Recorded:
        rows: list[dict[str, Json]] = []
        labels: Counter[tuple[str, str, Source]] = Counter()
        without_price = 0
        for question in self.questions.values():
            _spread(question)
            outcomes: dict[str, Json] = {}
            for model in dict.fromkeys(answer.model for answer in question.answers):
                judged = [a for a in question.answers if a.model == model and a.score is not None]
                priced = [answer for answer in judged if answer.cost is not None]
                without_price += len(judged) - len(priced)
                if priced:
                    outcomes[model], source = _outcome(priced)
                    labels[question.route, model, source] += 1
            if outcomes:
                rows.append(
                    {"id": question.id, "task": question.route, "prompt": question.prompt, "outcomes": outcomes}
                )
        return Recorded(
            rows=tuple(rows), labels=dict(labels), without_text=self.without_text, without_price=without_price
        )


def _labelled(book: sqlite3.Connection, since: float | None, route: str | None, tenant: str | None) -> list[str]:
    conditions = {"r.started >= ?": since, "d.route = ?": route, "r.tenant = ?": tenant}
    used = {text: value for text, value in conditions.items() if value is not None}
    query = _LABELLED.format(where=" AND ".join(["r.command <> 'shadow'", *used]))
    return [str(row[0]) for row in book.execute(query, list(used.values()))]


def _take(gathered: _Gathered, book: sqlite3.Connection, run_id: str) -> None:
    """Add what one run tells: each of its answers, and what was said of it."""
    run = book.execute(_RUN, (run_id,)).fetchone()
    prompt, shadow = blobs.get(book, run["prompt"]), book.execute(_SHADOW, (run_id,)).fetchone()
    answers = [_answer(book, row) for row in book.execute(_ATTEMPTS, (run_id,)).fetchall()]
    given = next((answer for answer in reversed(answers) if answer.model == run["model"]), None)
    if given is not None:
        _judge(given, run, shadow)
    if shadow is not None:
        dearer = _Answer(shadow["target"], blobs.get(book, shadow["answer"]), shadow["cost"])
        dearer.score, dearer.source = _SCORES[shadow["result"]][1], "shadow"
        answers.append(dearer)
    if prompt is None:
        gathered.without_text += int(any(answer.score is not None for answer in answers))
        return
    question = gathered.question(run["route"], run["system"], prompt)
    question.answers += answers
    better = blobs.get(book, run["better"])
    if better is not None:
        question.better.append(better)


def _answer(book: sqlite3.Connection, row: sqlite3.Row) -> _Answer:
    answer = _Answer(row["model"], blobs.get(book, row["answer"]), row["cost"], row["confidence"], row["latency_s"])
    if row["outcome"] == "rejected" and _is_invalid(json.loads(row["verdicts"])):
        answer.score = 0.0
    return answer


def _is_invalid(verdicts: Sequence[dict[str, Json]]) -> bool:
    """Whether an answer did not pass what makes it valid; what only raises doubt says nothing of its quality."""
    failed = [str(verdict["rule"]) for verdict in verdicts if verdict["evaluated"] and not verdict["passed"]]
    return any(_binds(rule) == "validity" for rule in failed)


def _binds(rule: str) -> str | None:
    from synapse_cli.core.errors import SynapseError
    from synapse_cli.core.registry import load

    try:
        return str(load("checks", rule).binds)  # type: ignore[attr-defined]  # the registry holds Checks
    except SynapseError:
        return None  # a plugin that is here no more: what it meant is not known


def _judge(answer: _Answer, run: sqlite3.Row, shadow: sqlite3.Row | None) -> None:
    """The label of the answer that was given: of whoever is believed first."""
    if run["good"] is not None:
        answer.score, answer.source = float(run["good"]), "feedback"
    elif run["grade"] is not None:
        answer.score, answer.source = float(run["grade"]), "bench"
    elif shadow is not None:
        answer.score, answer.source = _SCORES[shadow["result"]][0], "shadow"


def _spread(question: _Question) -> None:
    """What is true of an answer is true of the same answer by whomever, where nobody else judged that."""
    known = [(a.text, a.score, a.source) for a in question.answers if a.text is not None and a.score is not None]
    known += [(text, 1.0, "feedback") for text in question.better]
    known.sort(key=lambda each: SOURCES.index(each[2]))
    for answer in question.answers:
        if answer.score is None and answer.text is not None:
            text = answer.text
            found = next((each for each in known if each[0] == text or same(str(each[0]), text, "text")), None)
            if found is not None:
                answer.score, answer.source = found[1], found[2]


def _outcome(judged: Sequence[_Answer]) -> tuple[Json, Source]:
    """A model's outcome: the mean over its answers that the most believed judged."""
    source = min((answer.source for answer in judged), key=SOURCES.index)
    counted = [answer for answer in judged if answer.source == source]
    last = counted[-1]
    costs = [Decimal(answer.cost) for answer in counted if answer.cost is not None]
    told: dict[str, Json] = {
        "score": sum(answer.score or 0.0 for answer in counted) / len(counted),
        "cost": float(sum(costs) / len(costs)),
        "source": source,
    }
    if last.text is not None:
        told |= {"answer": final(last.text) or last.text, "text": last.text}
    optional = {"confidence": last.confidence, "latency_s": last.latency_s}
    return {**told, **{name: value for name, value in optional.items() if value is not None}}, source
