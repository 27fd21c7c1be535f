"""A command line that was answered before is answered from the memo, and only while nothing that decided it changed."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, Machine
from tests.local import tiny_gguf

PROFILE = """schema = 1
extends = ["more.toml"]
[models.echo]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{ match = "", text = '{"answer": 1}' }]
[cascades.judged]
tiers = ["echo"]
accept = [{ kind = "command", argv = ["./judge.sh"] }]
[routes.default]
use = "echo"
[routes.judged]
use = "judged"
[routes.formed]
use = "echo"
schema = "route.json"
"""
MORE = """[templates.ask]
prompt = "Say {{ what }}: {{ input }}"
"""
OTHER = ECHO.replace("an answer", "another answer")


@pytest.fixture
def filled(machine: Machine) -> Machine:
    """A machine with a profile that names many files, all of them older than what a memo calls fresh."""
    profiles = machine.use(PROFILE).parent
    (profiles / "more.toml").write_text(MORE)
    (profiles / "judge.sh").write_text("#!/bin/sh\nexit 0\n")
    (profiles / "judge.sh").chmod(0o755)
    (profiles / "route.json").write_text('{"type": "object"}')
    (profiles / "other.toml").write_text(OTHER)
    machine.write("notes.txt", "some notes")
    machine.write("logs/a.log", "first log")
    machine.write("system.txt", "be brief")
    machine.write("schema.json", '{"type": "object"}')
    return machine


def sources(machine: Machine) -> list[str]:
    """Where the decision of each run came from, in order."""
    return [source for _, source in machine.runs]


def is_kept(machine: Machine, *arguments: str, stdin: str | None = None, **more: object) -> bool:
    """Run a command line and return whether the memo answered; every run leaves one row."""
    before = len(machine.runs)
    done = machine.synapse("run", *arguments, stdin=stdin, **more)
    assert done.code == 0, done.err
    assert len(machine.runs) == before + 1
    return sources(machine)[-1] == "memo"


def change(path: Path, text: str) -> None:
    """Write a file and give it its old times back: only a careful reader notices."""
    old = path.stat()
    path.write_text(text)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))


@pytest.mark.parametrize(
    ("arguments", "path", "text"),
    [
        (["hello", "-f", "notes.txt"], "work/notes.txt", "SOME NOTES"),
        (["hello", "-f", "notes.txt"], "work/notes.txt", "some more notes"),
        (["hello", "-f", "logs/*.log"], "work/logs/a.log", "FIRST LOG"),
        (["hello", "-s", "@system.txt"], "work/system.txt", "be Brief"),
        (["hello", "--schema", "schema.json"], "work/schema.json", '{"type":  "object"}'),
        (["hello"], "home/.config/synapse/profiles/default.toml", PROFILE.replace('answer"', 'ANSWER"')),
        (["hello"], "home/.config/synapse/profiles/more.toml", MORE + "# a word\n"),
        (["-t", "ask", "-p", "what=yes"], "home/.config/synapse/profiles/more.toml", MORE.replace("Say", "Tell")),
        (["hello", "-r", "judged"], "home/.config/synapse/profiles/judge.sh", "#!/bin/sh\nexit  0\n"),
        (["hello", "-r", "formed"], "home/.config/synapse/profiles/route.json", '{"type":"object" }'),
    ],
)
def test_a_changed_file_is_a_miss_whatever_its_times_say(
    filled: Machine, arguments: list[str], path: str, text: str
) -> None:
    if "judged" in arguments:
        time.sleep(2.1)  # a program that was changed within two seconds is not trusted to be the one that judged

    assert not is_kept(filled, *arguments)
    assert is_kept(filled, *arguments)
    change(filled.root / path, text)

    assert not is_kept(filled, *arguments)


def test_what_did_not_change_is_a_hit(filled: Machine) -> None:
    asked = ["hello", "-f", "notes.txt", "-f", "logs/*.log", "--system", "@system.txt", "--schema", "schema.json"]

    assert not is_kept(filled, *asked)
    os.utime(filled.work / "notes.txt")
    filled.write("notes of mine.txt", "nobody asked for these")
    (filled.work / "logs/a.log").chmod(0o600)

    assert is_kept(filled, *asked, env={"OPENAI_API_KEY": "another", "TERM": "dumb", "UNRELATED": "1"})
    assert is_kept(filled, *asked)
    assert len(filled.calls) == 1


def _of_arguments(machine: Machine) -> list[dict[str, object]]:
    del machine
    return [{"arguments": ["hello "]}, {"arguments": ["hello", "hello"]}, {"arguments": ["hello", "--max-cost", "1"]}]


def _of_stdin(machine: Machine) -> list[dict[str, object]]:
    del machine
    return [{"stdin": "text\n\n"}, {"stdin": "Text\n"}, {"stdin": ""}]


def _of_folder(machine: Machine) -> list[dict[str, object]]:
    return [{"cwd": machine.work / "logs"}, {"cwd": machine.home}]


def _of_environment(machine: Machine) -> list[dict[str, object]]:
    other = machine.config / "profiles" / "other.toml"
    return [
        {"env": {"SYNAPSE_PROFILE": "default"}},
        {"env": {"SYNAPSE_PROFILE": str(other)}},
        {"env": {"OPENAI_BASE_URL": "http://127.0.0.1:1"}},
    ]


@pytest.mark.parametrize("of", [_of_arguments, _of_stdin, _of_folder, _of_environment])
def test_another_command_line_is_a_miss(filled: Machine, of: Callable[[Machine], list[dict[str, object]]]) -> None:
    def kept(arguments: list[str] | None = None, stdin: str = "text\n", **more: object) -> bool:
        return is_kept(filled, *(arguments or ["hello"]), stdin=stdin, **more)

    kept()
    assert kept()

    assert [kept(**change) for change in of(filled)] == [False] * len(of(filled))  # type: ignore[arg-type]
    assert kept()


def test_another_version_is_a_miss(filled: Machine) -> None:
    code = (
        "import sys, synapse_cli; synapse_cli.__version__ = sys.argv.pop(1)\n"
        "from synapse_cli.__main__ import main; main()"
    )

    for version in ("8.8.8", "8.8.8", "9.9.9", "8.8.8"):
        assert filled.process([sys.executable, "-c", code, version, "run", "hello"]).code == 0

    assert sources(filled) == ["default", "memo", "default", "memo"]


@pytest.mark.parametrize("place", ["work/synapse.toml", "work/project/synapse.toml", "synapse.toml"])
def test_a_project_profile_that_appears_is_followed_at_once(filled: Machine, place: str) -> None:
    (filled.work / "project" / "deep").mkdir(parents=True)
    cwd = filled.work / "project" / "deep"
    is_kept(filled, "hello", cwd=cwd)
    assert is_kept(filled, "hello", cwd=cwd)

    path = filled.root / place
    path.write_text(OTHER.replace("record", "# record"))
    followed = filled.synapse("run", "hello", cwd=cwd)
    path.unlink()
    after = filled.synapse("run", "hello", cwd=cwd)

    assert followed.out == b"another answer\n"
    assert after.out == b'{"answer": 1}\n'
    assert sources(filled) == ["default", "memo", "default", "default"]


def test_a_profile_of_the_users_own_hides_a_shipped_one_at_once(machine: Machine) -> None:
    is_kept(machine, "--profile", "demo", "Is the sky blue?")
    assert is_kept(machine, "--profile", "demo", "Is the sky blue?")

    folder = machine.config / "profiles"
    folder.mkdir(parents=True)
    (folder / "demo.toml").write_text(OTHER)

    assert machine.synapse("run", "--profile", "demo", "Is the sky blue?").out == b"another answer\n"


@pytest.mark.parametrize("what", ["a new match", "a match gone", "a new folder's match"])
def test_a_glob_is_looked_at_again(filled: Machine, what: str) -> None:
    filled.write("logs/b.log", "second log")
    asked = ["hello", "-f", "logs/**/*.log"]
    is_kept(filled, *asked)
    assert is_kept(filled, *asked)

    if what == "a match gone":
        (filled.work / "logs/b.log").unlink()
    else:
        filled.write("logs/c.log" if what == "a new match" else "logs/deep/c.log", "third log")

    assert not is_kept(filled, *asked)
    assert ("third log" in filled.calls[-1]["messages"][-1]["content"]) == (what != "a match gone")


def test_a_file_that_is_gone_is_an_error_and_not_an_old_answer(filled: Machine) -> None:
    is_kept(filled, "hello", "-f", "notes.txt")
    assert is_kept(filled, "hello", "-f", "notes.txt")

    (filled.work / "notes.txt").unlink()

    assert filled.synapse("run", "hello", "-f", "notes.txt").code == 66


def test_a_link_that_points_elsewhere_is_a_miss(filled: Machine) -> None:
    filled.write("one.txt", "number 1")
    filled.write("two.txt", "number 2")
    link = filled.work / "link.txt"
    link.symlink_to("one.txt")
    is_kept(filled, "hello", "-f", "link.txt")
    assert is_kept(filled, "hello", "-f", "link.txt")

    link.unlink()
    link.symlink_to("two.txt")

    assert not is_kept(filled, "hello", "-f", "link.txt")


@pytest.mark.parametrize("by", ["flag", "profile"])
def test_an_answer_whose_time_is_over_is_asked_for_again(machine: Machine, by: str) -> None:
    profile = ECHO + ('[cache]\nttl = "1s"\n' if by == "profile" else "")
    flags = ["--cache-ttl", "1s"] if by == "flag" else []
    machine.use(profile)

    is_kept(machine, "hello", *flags)
    time.sleep(1.05)

    assert not is_kept(machine, "hello", *flags)
    assert len(machine.calls) == 2


def test_a_time_that_is_not_over_is_a_hit(machine: Machine) -> None:
    machine.use(ECHO + '[cache]\nttl = "1h"\n')

    is_kept(machine, "hello")

    assert is_kept(machine, "hello")


def test_a_memo_never_outlives_the_call_behind_it(machine: Machine) -> None:
    machine.use(ECHO)
    for ttl in (2, 8, 32):  # a busy machine may take longer for a run than the call is kept
        prompt, calls = f"hello {ttl}", len(machine.calls)
        machine.synapse("run", prompt, "--json", "--cache-ttl", f"{ttl}s")
        time.sleep(0.6 * ttl)
        is_kept(machine, prompt, "--cache-ttl", f"{ttl}s")
        if len(machine.calls) == calls + 1:
            break
    time.sleep(0.5 * ttl)

    assert not is_kept(machine, prompt, "--cache-ttl", f"{ttl}s")
    assert len(machine.calls) == calls + 2


def test_a_cleared_cache_answers_nothing(filled: Machine) -> None:
    is_kept(filled, "hello")
    assert is_kept(filled, "hello")

    assert filled.synapse("cache", "clear").code == 0

    assert not is_kept(filled, "hello")
    assert len(filled.calls) == 2


def test_a_changed_model_file_is_a_miss(machine: Machine) -> None:
    path = tiny_gguf.write(machine.work / "tiny.gguf", seed=1)
    asked = ["-m", "./tiny.gguf", "--choices", "yes,no", "hello"]
    machine.synapse("run", *asked)
    machine.synapse("run", *asked)

    tiny_gguf.write(path, seed=2)
    machine.synapse("run", *asked)
    path.unlink()
    without = machine.synapse("run", *asked)

    assert sources(machine)[:3] == ["flag", "memo", "flag"]
    assert machine.ledger("SELECT sum(1 - cached) FROM runs WHERE exit_code = 0") == [(2,)]
    assert without.code == 66


def test_an_encoder_that_was_fetched_is_asked_first(machine: Machine) -> None:
    asked = ["--choices", "billing,bug,praise", "Classify this ticket"]
    ticket = "The settings page crashes with an error."
    assert not is_kept(machine, *asked, stdin=ticket)
    assert is_kept(machine, *asked, stdin=ticket)

    machine.synapse("models", "pull", "minilm")

    assert not is_kept(machine, *asked, stdin=ticket)
    assert machine.ledger("SELECT tier FROM runs ORDER BY started")[-1] == ("minilm",)


def test_a_program_that_no_longer_accepts_is_asked(filled: Machine) -> None:
    time.sleep(2.1)
    is_kept(filled, "hello", "-r", "judged")
    assert is_kept(filled, "hello", "-r", "judged")

    change(filled.config / "profiles" / "judge.sh", "#!/bin/sh\nexit 1\n")

    assert filled.synapse("run", "hello", "-r", "judged").code == 65


def test_trust_that_ended_ends_the_memo(machine: Machine) -> None:
    machine.write("synapse.toml", OTHER)  # it records calls, which a stranger may not
    machine.synapse("trust", "--yes")
    time.sleep(2.1)  # a list that was changed within two seconds is not trusted to be the one that was read
    is_kept(machine, "hello")
    assert is_kept(machine, "hello")

    machine.synapse("trust", "--remove")

    assert machine.synapse("run", "hello").code == 78


@pytest.mark.parametrize(
    "flag",
    ["--json", "-v", "--verbose", "--no-cache", "--refresh", "--no-log", "-o=out", "--dry-run", "--stream", "-xv"],
)
def test_what_wants_more_than_the_answer_goes_the_long_way(machine: Machine, flag: str) -> None:
    machine.use(ECHO)
    flags = ["-o", "out"] if flag == "-o=out" else [flag]

    for _ in range(2):
        assert machine.synapse("run", "hello", *flags).code == 0

    assert "memo" not in sources(machine)
    assert len(machine.runs) == (0 if flag in {"--no-log", "--dry-run"} else 2)


@pytest.mark.parametrize(
    "reply", ['{ match = "", error = "server" }', '{ match = "", error = "cut", text = "half an answer" }']
)
def test_a_failure_is_never_kept(machine: Machine, reply: str) -> None:
    machine.use(ECHO.replace('{ match = "", text = "an answer" }', reply))

    codes = [machine.synapse("run", "hello").code for _ in range(2)]

    assert codes == [75, 75]
    assert sources(machine) == ["default", "default"]
    assert len(machine.calls) == 4  # each run tried once more


def test_an_answer_that_was_not_accepted_is_never_a_memo(machine: Machine) -> None:
    machine.use(
        ECHO.replace('use = "echo"', 'use = "strict"')
        + '[cascades.strict]\ntiers = ["echo"]\naccept = [{ kind = "length", min = 100 }]\n'
    )

    dones = [machine.synapse("run", "hello") for _ in range(2)]

    assert [(done.code, done.out) for done in dones] == [(65, b"an answer\n")] * 2
    assert machine.runs == [(65, "default"), (65, "default")]
    assert len(machine.calls) == 1  # the answer is kept with its verdict all the same


@pytest.mark.parametrize("damage", ["garbage", "empty", "truncated", "a folder", "unknown tables"])
def test_a_damaged_memo_is_a_miss_and_never_an_error(machine: Machine, damage: str) -> None:
    machine.use(ECHO)
    is_kept(machine, "hello")
    path = machine.cache / "memo-1.sqlite3"
    whole = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "unknown tables":
        sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.close()
    else:
        path.write_bytes(
            {"garbage": b"not a database" * 99, "empty": b"", "truncated": whole[: len(whole) // 2]}[damage]
        )

    dones = [machine.synapse("run", "hello") for _ in range(3)]

    assert [(done.code, done.out) for done in dones] == [(0, b"an answer\n")] * 3
    assert len(machine.runs) == 4
    assert len(machine.calls) == 1


def test_eight_at_once_on_one_command_line_all_get_the_answer(machine: Machine) -> None:
    machine.use(ECHO)

    done = machine.shell("seq 24 | xargs -P8 -I{} synapse run hello")

    assert done.out == b"an answer\n" * 24
    assert done.err == ""
    assert [code for code, _ in machine.runs] == [0] * 24
