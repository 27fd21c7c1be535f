"""What does the ledger say, run by run, for other programs? Read in lots, so that nobody waits for a slow reader."""

from __future__ import annotations

from collections.abc import Iterator

from synapse_cli.core.prompt import Json
from synapse_cli.ledger import reading
from synapse_cli.ledger.reading import Filter, Row

COLUMNS = (
    "run_id",
    "started",
    "command",
    "status",
    "exit_code",
    "route",
    "tier",
    "model",
    "tenant",
    "accepted",
    "cached",
    "memo",
    "confidence",
    "input",
    "output",
    "cached_input",
    "reasoning",
    "estimated",
    "cost_usd",
    "saved_usd",
    "latency_s",
    "error",
    "calls",
    "feedback",
    "prompt_hash",
    "answer_hash",
    "profile_hash",
    "version",
)
"""Of a table; texts come after these where they are wanted."""
TEXTS = ("system", "prompt", "answer")
_AT_A_TIME = 200


def whole_runs(path: str, wanted: Filter, now: float, *, texts: bool) -> Iterator[Row]:
    """Each run that matches, the oldest first, whole: decision, attempts, steps and calls; its texts on demand."""
    after = ""
    while ids := reading.ids(path, wanted, after=after, most=_AT_A_TIME):
        for run_id in ids:
            run = reading.run(path, run_id, now)
            yield run if texts else _bare(run)
        after = ids[-1]


def cells(run: Row, *, texts: bool) -> list[str]:
    """A run as a line of a table; what is not known is empty."""
    tokens, error, calls, feedback = run["tokens"], run["error"], run["calls"], run["feedback"]
    assert isinstance(tokens, dict)
    flat = {
        **run,
        **tokens,
        "cached_input": tokens["cached"],
        "cached": run["cached"],
        "error": error["kind"] if isinstance(error, dict) else None,
        "calls": len(calls) if isinstance(calls, list) else 0,
        "feedback": feedback["verdict"] if isinstance(feedback, dict) else None,
    }
    return [_cell(flat[name]) for name in (*COLUMNS, *(TEXTS if texts else ()))]


def _bare(run: Row) -> Row:
    """A run without what quotes a prompt or an answer: texts, reasons, messages."""
    return {
        **{name: value for name, value in run.items() if name not in TEXTS},
        "error": _less(run["error"], "message", "hint"),
        "feedback": _bare_feedback(run["feedback"]),
        "attempts": [_bare_attempt(attempt) for attempt in _listed(run["attempts"])],
        "escalations": [_less(step, "reason") for step in _listed(run["escalations"])],
    }


def _bare_feedback(feedback: Json) -> Json:
    if not isinstance(feedback, dict):
        return None
    before: list[Json] = [_less(each, "note") for each in _listed(feedback["before"])]
    return _less({**feedback, "before": before}, "note", "better")


def _bare_attempt(attempt: Json) -> Json:
    assert isinstance(attempt, dict)
    verdicts: list[Json] = [_less(verdict, "reason") for verdict in _listed(attempt["verdicts"])]
    return _less({**attempt, "verdicts": verdicts, "error": _less(attempt["error"], "hint")}, "answer", "reason")


def _less(table: Json, *names: str) -> Json:
    return {name: value for name, value in table.items() if name not in names} if isinstance(table, dict) else table


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _cell(value: Json) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
