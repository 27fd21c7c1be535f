"""`synapse log prune`, `export` and `vacuum`: the record is kept small, and handed on."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.ledger import exporting, reading, upkeep
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.reading import Filter
from synapse_cli.ledger.totals import totals
from synapse_cli.profile.settings import LedgerSettings
from tests.e2e.machine import ECHO, Machine
from tests.ledger.stories import START, begin, climbed, run

NOW = START + 1000
TENANTS = ECHO + "[tenants.acme]\n[tenants.zeta]\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    for number in range(300):
        tenant = "acme" if number % 2 else None
        book.record(run(number, prompt=os.urandom(2000).hex(), tenant=tenant), is_last=False)
    begin(book, "1zzz", START + 300)
    book.close()
    return book.path


def _count(path: str, **wanted: object) -> int:
    return len(reading.runs(path, Filter(**wanted), NOW))  # type: ignore[arg-type]


def test_old_runs_are_forgotten_and_the_sums_stay(path: str) -> None:
    before = totals(path, by=("tenant",))
    heard: list[int] = []

    pruned = upkeep.prune(path, before=START + 250, max_size=None, say=heard.append)

    assert (pruned.runs, _count(path), heard) == (250, 51, [250])
    assert totals(path, by=("tenant",)) == before
    assert pruned.bytes_after < pruned.bytes_before / 2
    assert os.path.getsize(path) < 1.2 * pruned.bytes_after + 2_000_000
    assert upkeep.prune(path, before=START + 250, max_size=None).runs == 0


def test_the_oldest_go_until_it_is_small_enough(path: str) -> None:
    pruned = upkeep.prune(path, before=None, max_size=400_000)

    assert pruned.bytes_after <= 400_000 < pruned.bytes_before
    assert 0 < _count(path) < 300
    assert reading.runs(path, Filter(most=1), NOW)[0]["run_id"] == "1zzz"


def test_a_dry_run_forgets_nothing(path: str) -> None:
    content = Path(path).read_bytes()

    old = upkeep.prune(path, before=START + 250, max_size=None, dry_run=True)
    small = upkeep.prune(path, before=None, max_size=400_000, dry_run=True)

    assert (old.runs, _count(path)) == (250, 301)
    assert 100 < small.runs < 300
    assert small.bytes_after <= 400_000
    assert Path(path).read_bytes() == content


def test_a_tenant_s_runs_are_forgotten_alone(path: str) -> None:
    assert upkeep.prune(path, before=NOW, max_size=None, tenant="acme").runs == 150

    assert (_count(path), _count(path, tenant="acme")) == (151, 0)


def test_what_only_forgotten_runs_said_is_gone_from_texts_and_index(path: str) -> None:
    upkeep.vacuum(path, 10**9)

    upkeep.prune(path, before=NOW, max_size=None)

    with closing(sqlite3.connect(path)) as database:
        for table in ("runs", "blobs", "attempts", "calls", "parts", "texts_late", "texts_moved"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_folding_makes_the_file_as_small_as_it_can_be(path: str) -> None:
    upkeep.prune(path, before=START + 250, max_size=None)

    before, after = upkeep.vacuum(path, 10**9)

    assert not os.path.exists(path + "-wal")
    assert after <= before
    assert after == os.path.getsize(path)
    assert _count(path) == 51


def test_no_ledger_is_an_empty_one_and_is_not_made(tmp_path: Path) -> None:
    path = str(tmp_path / "none" / "ledger.sqlite3")

    assert upkeep.prune(path, before=NOW, max_size=1).runs == 0
    assert upkeep.vacuum(path, 10**9) == (0, 0)
    assert list(exporting.whole_runs(path, Filter(), NOW, texts=True)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"garbage" * 1000)

    with pytest.raises(InputError, match="cannot be written"):
        upkeep.prune(str(tmp_path / "ledger.sqlite3"), before=NOW, max_size=None)


def test_every_run_is_exported_once_the_oldest_first(path: str) -> None:
    ids = [str(row["run_id"]) for row in exporting.whole_runs(path, Filter(), NOW, texts=False)]

    assert ids == sorted(ids)
    assert len(ids) == len(set(ids)) == 301


def test_without_texts_an_export_quotes_nothing(tmp_path: Path) -> None:
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)
    book.record(climbed(1))

    (bare,) = exporting.whole_runs(book.path, Filter(), NOW, texts=False)
    (whole,) = exporting.whole_runs(book.path, Filter(), NOW, texts=True)

    said = json.dumps(bare)
    for quoted in ("classify this", "spam", "maybe", "be brief", "429 of", "no tier passed", "does not match"):
        assert quoted not in said, quoted
        assert quoted in json.dumps(whole), quoted
    assert bare["cost_usd"] == whole["cost_usd"]
    assert [a["outcome"] for a in bare["attempts"]] == [a["outcome"] for a in whole["attempts"]]  # type: ignore[index, union-attr, call-overload]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(TENANTS)
    for number, tenant in enumerate(("acme", "zeta", "acme")):
        assert made.synapse("run", f"question {number}", "--tenant", tenant).code == 0
    return made


def test_the_commands_say_what_they_did(machine: Machine) -> None:
    assert machine.synapse("log", "prune", "--before", "1h").out.decode().startswith("0 runs forgotten")
    told = machine.synapse("log", "prune", "--before", "0.000001s", "--dry-run", "--json").json
    assert (told["runs"], told["dry_run"]) == (3, True)
    assert machine.synapse("log", "prune").code == 0
    assert set(machine.synapse("log", "vacuum", "--json").json) == {"bytes_before", "bytes_after"}
    assert machine.synapse("log", "prune", "--before", "0.000001s", "--json").json["runs"] == 3
    assert machine.synapse("log", "list").err == "no run is recorded yet\n"
    assert machine.synapse("stats", "--json", "--since", "all").json["total"]["runs"] == 3


def test_wrong_flags_are_usage_errors(machine: Machine) -> None:
    for arguments in (("prune", "--before", "3x"), ("prune", "--max-size", "big"), ("export", "--csv", "--jsonl")):
        done = machine.synapse("log", *arguments)
        assert done.code == 2
        assert arguments[1] in done.err


def test_an_export_is_a_table_or_whole_runs(machine: Machine) -> None:
    lines = [json.loads(line) for line in machine.synapse("log", "export").out.decode().splitlines()]
    table = list(csv.DictReader(io.StringIO(machine.synapse("log", "export", "--csv", "--texts").out.decode())))
    file = machine.home / "runs.csv"
    assert machine.synapse("log", "export", str(file)).out == b""

    assert [line["calls"][0]["outcome"] for line in lines] == ["answered"] * 3
    assert [row["prompt"] for row in table] == ["question 0", "question 1", "question 2"]
    assert [row["tenant"] for row in table] == ["acme", "zeta", "acme"]
    assert file.read_text(encoding="utf-8").splitlines()[0] == ",".join(exporting.COLUMNS)


def test_a_reader_that_goes_away_ends_an_export(machine: Machine) -> None:
    done = machine.process(["bash", "-c", "synapse log export | head -c 10; echo ${PIPESTATUS[0]}"])
    many = machine.process(
        [
            "bash",
            "-c",
            "synapse log export | true; echo ${PIPESTATUS[0]}",
        ]
    )

    assert done.out.decode().splitlines()[-1].endswith(("0", "141"))
    assert many.out.decode().strip() in {"0", "141"}
    assert (done.err, many.err) == ("", "")


def test_a_tenant_sees_only_its_own_runs(machine: Machine) -> None:
    ids = [row["run_id"] for row in machine.synapse("log", "list", "--json").json]

    mine = [row["run_id"] for row in machine.synapse("log", "list", "--json", "--tenant", "acme").json]
    env = {"SYNAPSE_TENANT": "zeta"}
    others = [row["run_id"] for row in machine.synapse("log", "list", "--json", env=env).json]

    assert (len(mine), len(others)) == (2, 1)
    assert sorted(mine + others) == sorted(ids)
    assert machine.synapse("log", "show", others[0], "--tenant", "acme").code == 2
    assert machine.synapse("log", "last", "--json", env=env).json["run_id"] == others[0]
    assert machine.synapse("log", "search", "question", "--json", env=env).json[0]["run_id"] == others[0]
    assert len(machine.synapse("log", "search", "question", "--json", env=env).json) == 1
    assert len(machine.synapse("log", "export", env=env).out.decode().splitlines()) == 1
