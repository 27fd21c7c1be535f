"""How quick is a ledger of a million calls, and what does writing one down cost?

    python -m tests.bench.ledger million [CALLS] [FOLDER]    make such a ledger, and look into it
    python -m tests.bench.ledger cost [RUNS]                 CPU of a run's record: begin, call, answer, record

Figures are CPU time; beside each stands how often SQLite could have counted the rows of `calls` meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from synapse_cli.core.ids import new_run_id
from synapse_cli.core.outcome import Answered, Outcome
from synapse_cli.ledger import index, reading, schema, searching, sums
from synapse_cli.ledger.answers import answers
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.histogram import one
from synapse_cli.ledger.reading import Filter
from synapse_cli.ledger.rows import Begun
from synapse_cli.ledger.totals import tallies, totals
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import call, completion, run

START = 1_780_000_000.0
DAYS = 60
ROUTES = ("triage", "summaries", "mail", "code", "default")
MODELS = (("small", "llama.cpp", 0), ("mini", "openai", 150_000_000), ("haiku", "anthropic", 400_000_000))
LABELS = ("bug", "praise", "question", "spam", "invoice", "refund", "other")
AT_A_TIME = 20_000
SIZE = 16_000_000_000
RARE = "zebrafinch"
"""A word that is in one prompt of ten thousand."""


def make(folder: Path, calls: int) -> str:
    """Write a ledger of so many calls, every one of a run of its own and with a prompt of its own."""
    path = str(folder / schema.FILE)
    with closing(schema.opened(path)) as book:
        book.execute("PRAGMA synchronous = OFF")
        book.execute("PRAGMA cache_size = -200000")
        course = Course(calls, book)
        for first in range(0, calls, AT_A_TIME):
            book.execute("BEGIN")
            _write(book, [course.story(number) for number in range(first, min(calls, first + AT_A_TIME))])
            book.execute("COMMIT")
            _say(f"{min(calls, first + AT_A_TIME)} of {calls} calls")
        book.execute("BEGIN")
        for (hour, series), counts in course.held.items():
            sums.add(book, hour, series, counts)
        book.execute("COMMIT")
        index.catch_up(book, SIZE, lambda left: _say(f"{left} texts to index"))
        book.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    _say("")
    return path


@dataclass(frozen=True)
class Story:
    """One run with one call."""

    run_id: str
    started: float
    route: str
    model: str
    provider: str
    failed: bool
    prompt: str
    answer: str
    latency_s: float
    cost: str


class Course:
    """What was asked over two months, and what it came to by the hour."""

    def __init__(self, calls: int, book: sqlite3.Connection) -> None:
        self.calls = calls
        self.held: dict[tuple[int, int], dict[str, float]] = {}
        self._chance = random.Random(calls)
        self._words = ["".join(self._chance.choices("etaoinshrdlucmfwyp", k=2 + n % 8)) for n in range(5000)]
        self._weights = [1 / (rank + 10) for rank in range(len(self._words))]
        self._series = {
            (route, model, ending): sums.series(
                book, model=model, route=route, provider=provider, tenant=None, outcome=ending
            )
            for route in ROUTES
            for model, provider, _ in MODELS
            for ending in ("accepted", "failed")
        }

    def story(self, number: int) -> Story:
        """The run of this number, which is added to the sums."""
        started = START + number * (DAYS * 86_400 / self.calls)
        model, provider, price = self._chance.choice(MODELS)
        words = self._chance.choices(self._words, self._weights, k=12)
        story = Story(
            run_id=new_run_id(started, number.to_bytes(7, "big")),
            started=started,
            route=self._chance.choice(ROUTES),
            model=model,
            provider=provider,
            failed=self._chance.random() < 0.02,
            prompt=" ".join([*words, RARE] if number % 10_000 == 77 else words),
            answer=self._chance.choice(LABELS),
            latency_s=self._chance.lognormvariate(-0.7, 0.8),
            cost=sums.dollars_text(42 * price),
        )
        self._add(story, 42 * price)
        return story

    def _add(self, story: Story, cost: int) -> None:
        series = self._series[story.route, story.model, "failed" if story.failed else "accepted"]
        counts = self.held.setdefault((sums.hour_of(story.started), series), {})
        added = {
            "runs": 1,
            "calls": 1,
            "failed" if story.failed else "accepted": 1,
            "input": 40,
            "output": 2,
            "cost": cost,
            "latency_s": story.latency_s,
            "run_latency_s": story.latency_s,
            "latencies": one(story.latency_s),
            **({} if story.failed else sums.answer_counts(40, 2, 0, 0)),
            "run_latencies": one(story.latency_s),
        }
        for name, count in added.items():
            counts[name] = counts.get(name, 0) + count


def _write(book: sqlite3.Connection, stories: list[Story]) -> None:
    names = {
        text: hashlib.sha256(text.encode()).hexdigest() for story in stories for text in (story.prompt, story.answer)
    }
    texts = [(name, zlib.compress(text.encode())) for text, name in names.items()]
    book.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", texts)
    rows = [
        {
            **{name: getattr(story, name) for name in Story.__dataclass_fields__},
            "exit_code": 69 if story.failed else 0,
            "ending": "failed" if story.failed else "accepted",
            "outcome": "failed" if story.failed else "answered",
            "kind": "server" if story.failed else None,
            "asked": names[story.prompt],
            "said": None if story.failed else names[story.answer],
        }
        for story in stories
    ]
    for table, values in _ROWS.items():
        columns = ", ".join(values)
        book.executemany(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(values.values())})", rows)


_COUNTS = {"input": "40", "output": "2", "cached_input": "0", "reasoning": "0", "estimated": "0", "cost": ":cost"}
_ROWS: dict[str, dict[str, str]] = {
    "runs": {
        "id": ":run_id",
        "started": ":started",
        "command": "'run'",
        "version": "'0'",
        "exit_code": ":exit_code",
        "model": ":model",
        "accepted": "NOT :failed",
        "latency_s": ":latency_s",
        "saved": "'0'",
        "prompt": ":asked",
        "answer": ":said",
        "booked": "1",
        **_COUNTS,
    },
    "decisions": {"run": ":run_id", "route": ":route", "why": "'keyword'", "source": "'rule'", "runners_up": "'[]'"},
    "attempts": {
        "run": ":run_id",
        "place": "0",
        "tier": ":model",
        "model": ":model",
        "outcome": ":ending",
        "error_kind": ":kind",
        "latency_s": ":latency_s",
        "answer": ":said",
        "verdicts": "'[]'",
        **_COUNTS,
    },
    "calls": {
        "run": ":run_id",
        "place": "0",
        "kind": "'tier'",
        "model": ":model",
        "provider": ":provider",
        "started": ":started",
        "outcome": ":outcome",
        "latency_s": ":latency_s",
        "answer": ":said",
        "booked": "1",
        **_COUNTS,
    },
}


def look(path: str) -> dict[str, float]:
    """Look into a ledger in every way, and return CPU seconds for each; the floor is under "count"."""
    now = time.time()
    with closing(sqlite3.connect(path)) as book:
        run_id = book.execute("SELECT id FROM runs LIMIT 1 OFFSET 321").fetchone()[0]
        count = _cpu(lambda: book.execute("SELECT count(*), sum(latency_s) FROM calls").fetchone())
    return {
        "count": count,
        "log list": _cpu(lambda: reading.runs(path, Filter(most=20), now)),
        "log list --since 1d": _cpu(
            lambda: reading.runs(path, Filter(most=20, since=START + (DAYS - 1) * 86_400), now)
        ),
        "log list --status failed": _cpu(lambda: reading.runs(path, Filter(most=20, status="failed"), now)),
        "log list --status rejected (none)": _cpu(lambda: reading.runs(path, Filter(most=20, status="rejected"), now)),
        "log list -m nobody": _cpu(lambda: reading.runs(path, Filter(most=20, model="nobody"), now)),
        "log list -r nowhere": _cpu(lambda: reading.runs(path, Filter(most=20, route="nowhere"), now)),
        "log show RUN": _cpu(lambda: reading.run(path, run_id, now)),
        "log search, a common word": _cpu(lambda: searching.search(path, "the", Filter(most=20), now)),
        "log search, a rare word": _cpu(lambda: searching.search(path, RARE, Filter(most=20), now)),
        "log search, all of a rare word": _cpu(lambda: searching.search(path, RARE, Filter(), now)),
        "log search, nothing": _cpu(lambda: searching.search(path, "no such thing at all", Filter(most=20), now)),
        "log search, two letters": _cpu(lambda: searching.search(path, "q%", Filter(most=20), now)),
        "totals": _cpu(lambda: totals(path, histograms=False)),
        "totals by day": _cpu(lambda: totals(path, by=("day",), histograms=False)),
        "totals by model, with percentiles": _cpu(lambda: totals(path, by=("model",))),
        "totals by day, model, route, outcome": _cpu(
            lambda: totals(path, by=("day", "model", "route", "outcome"), histograms=False)
        ),
        "totals of a week": _cpu(lambda: totals(path, since=START + (DAYS - 7) * 86_400, by=("day",))),
        "tallies": _cpu(lambda: tallies(path)),
        "answers by day, from the sums": _cpu(lambda: answers(path, since=None, until=None, by=("day",))),
        "answers by day, from the rows": _cpu(
            lambda: answers(path, since=None, until=None, by=("day",), lengths=(200_000,))
        ),
    }


def cost(folder: Path, runs: int) -> dict[str, float]:
    """CPU milliseconds of each step of a run's record: the medians, and the mean of all together."""
    book = Book(folder, LedgerSettings(), warn=sys.exit)
    words = Path(__file__).read_text(encoding="utf-8").split()
    chance = random.Random(1)
    taken: dict[str, list[float]] = {"begin": [], "call": [], "answer": [], "record": []}
    for number in range(runs):
        best = Answered("small", "small", completion(" ".join(chance.choices(words, k=30))), ())
        story = run(number, prompt=" ".join(chance.choices(words, k=40)), outcome=Outcome(attempts=(best,), best=best))
        begun, sent = Begun(run_id=story.run_id, started=story.started, prompt=story.prompt), call(number)
        steps: dict[str, Callable[[], object]] = {
            "begin": lambda: book.begin(begun),  # noqa: B023  # called at once
            "call": lambda: book.call_begins(sent),  # noqa: B023
            "answer": lambda: book.call_answered(sent, best.completion),  # noqa: B023
            "record": lambda: book.record(story, is_last=False),  # noqa: B023
        }
        for name, step in steps.items():
            taken[name].append(1000 * _once(step))
    book.close()
    told = {name: statistics.median(times) for name, times in taken.items()}
    return {**told, "mean of all": sum(statistics.mean(times) for times in taken.values())}


def main(arguments: list[str]) -> int:
    """Print one table."""
    what = arguments[0] if arguments else "million"
    number = int(arguments[1]) if len(arguments) > 1 else 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments[2] if len(arguments) > 2 else temporary)
        folder.mkdir(exist_ok=True)
        if what == "cost":
            for name, ms in cost(folder, number or 1000).items():
                sys.stdout.write(f"{name:<40} {ms:8.3f} ms\n")
            return 0
        path = str(folder / schema.FILE)
        if not os.path.exists(path):
            began = time.process_time()
            make(folder, number or 1_000_000)
            sys.stdout.write(
                f"made in {time.process_time() - began:.0f} s of CPU, {os.path.getsize(path) / 1e6:.0f} MB\n"
            )
        found = look(path)
        for name, seconds in found.items():
            sys.stdout.write(f"{name:<40} {1000 * seconds:8.1f} ms {seconds / found['count']:8.2f} x count\n")
    return 0


def _cpu(step: Callable[[], object], times: int = 3) -> float:
    return statistics.median(_once(step) for _ in range(times))


def _once(step: Callable[[], object]) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
