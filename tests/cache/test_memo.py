"""A memo is never stale: whatever decided an answer, once it changed, misses; as long as nothing did, it hits."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.cache import manifest, memo
from synapse_cli.core.witness import Witness

ARGV = ["run", "classify", "-f", "notes/*.txt"]
FACTS = {"route": "default", "model": "nänö"}


class World:
    """A folder with files that decide an answer, and a memo made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"SYNAPSE_CACHE_DIR": str(folder / "cache"), "HOME": str(folder), "PATH": "/bin", "NO_COLOR": "1"}
        self.argv = list(ARGV)
        self.stdin: bytes | None = b"the printer is on fire"
        self.cwd = str(folder)
        self.later_s = 0.0
        (folder / "notes").mkdir(parents=True)
        self.write("synapse.toml", "profile")
        self.write("template.txt", "template")
        self.write("notes/a.txt", "first")
        self.write("notes/b.txt", "second")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def witness(self, *, hashed: bool = True) -> Witness:
        seen = Witness()
        for name in ("synapse.toml", "template.txt", "notes/a.txt", "notes/b.txt"):
            path = self.folder / name
            sha256 = __import__("hashlib").sha256(path.read_bytes()).hexdigest() if hashed else None
            seen.read(path, sha256)
        for name in ("near/synapse.toml", "near", "no/way/x"):
            seen.looked_for(self.folder / name)
        matches = (str(self.folder / "notes/a.txt"), str(self.folder / "notes/b.txt"))
        seen.matched(str(self.folder / "notes/*.txt"), matches)
        return seen

    def keep(self, **how: object) -> bool:
        given_ = {"witness": self.witness(), "started": time.time(), "facts": FACTS, "summary": "nänö · 0.1 s"}
        return memo.keep(self.argv, self.stdin, self.env, self.cwd, answer=b"bug\n", **{**given_, **how})  # type: ignore[arg-type]

    def look(self) -> bytes | None:
        hit = memo.lookup(self.argv, self.stdin, self.env, self.cwd, now=time.time() + self.later_s)
        return None if hit is None else hit.answer


@contextmanager
def _world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield World(folder / "w")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def world() -> Iterator[World]:
    with _world() as made:
        yield made


def _same_size_and_time(world: World, name: str) -> None:
    """The sly change: other content, same size, same mtime, same inode."""
    path = world.folder / name
    before = path.stat()
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(world: World, name: str) -> None:
    (world.folder / name).unlink()
    (world.folder / name).mkdir()


FILES = ("synapse.toml", "template.txt", "notes/a.txt", "notes/b.txt")
CHANGES: dict[str, Callable[[World], object]] = {
    **{f"{name}: longer": lambda w, n=name: w.write(n, "something longer") for name in FILES},
    **{
        f"{name}: other content of the same size and time": lambda w, n=name: _same_size_and_time(w, n)
        for name in FILES
    },
    **{f"{name}: gone": lambda w, n=name: (w.folder / n).unlink() for name in FILES},
    **{f"{name}: a folder now": lambda w, n=name: _replaced(w, n) for name in FILES},
    "a nearer profile": lambda w: ((w.folder / "near").mkdir(), w.write("near/synapse.toml", "nearer")),
    "a folder where nothing was": lambda w: (w.folder / "near").mkdir(),
    "a file far down where nothing was": lambda w: (
        (w.folder / "no/way").mkdir(parents=True),
        w.write("no/way/x", ""),
    ),
    "one more match": lambda w: w.write("notes/c.txt", "third"),
    "one match less, of no weight": lambda w: os.rename(w.folder / "notes/b.txt", w.folder / "notes/b.md"),
    "one more argument": lambda w: w.argv.append("please"),
    "arguments divided elsewhere": lambda w: w.argv.__setitem__(slice(1, 3), ["classify-f"]),
    "other stdin": lambda w: setattr(w, "stdin", b"the printer is fine"),
    "empty stdin": lambda w: setattr(w, "stdin", b""),
    "no stdin": lambda w: setattr(w, "stdin", None),
    "another folder": lambda w: setattr(w, "cwd", str(w.folder / "notes")),
    "SYNAPSE_PROFILE": lambda w: w.env.update(SYNAPSE_PROFILE="other"),
    "HOME": lambda w: w.env.update(HOME="/elsewhere"),
    "XDG_CONFIG_HOME": lambda w: w.env.update(XDG_CONFIG_HOME="/elsewhere"),
    "a provider's address": lambda w: w.env.update(OPENAI_BASE_URL="http://127.0.0.1:1"),
    "cache clear": lambda w: memo.clear(w.env),
}
HARMLESS: dict[str, Callable[[World], object]] = {
    "nothing": lambda w: None,
    "a variable that decides nothing": lambda w: w.env.update(NO_COLOR="0", TERM="dumb"),
    "a file beside": lambda w: w.write("notes.md", "beside"),
    "a file that the glob does not match": lambda w: w.write("notes/c.md", "third"),
    "the same content written again": lambda w: w.write("synapse.toml", "profile"),
    "a touched file": lambda w: os.utime(w.folder / "notes/a.txt", (1, 1)),
    "other rights": lambda w: (w.folder / "notes/a.txt").chmod(0o600),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_misses(world: World, change: str) -> None:
    assert world.keep()
    assert world.look() == b"bug\n"

    CHANGES[change](world)

    assert world.look() is None


@pytest.mark.parametrize("change", HARMLESS)
def test_what_decides_nothing_still_hits(world: World, change: str) -> None:
    assert world.keep()

    HARMLESS[change](world)

    assert world.look() == b"bug\n"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([*HARMLESS]), max_size=4), st.lists(st.sampled_from([*CHANGES]), max_size=1))
def test_it_hits_exactly_as_long_as_nothing_that_decides_has_changed(harmless: list[str], changes: list[str]) -> None:
    with _world() as world:
        assert world.keep()
        for name in harmless:
            HARMLESS[name](world)
            assert world.look() == b"bug\n"
        for name in changes:
            CHANGES[name](world)

        assert world.look() == (None if changes else b"bug\n")


def test_a_hit_brings_everything_that_is_told_and_recorded(world: World) -> None:
    assert world.keep(ledger="/somewhere/ledger.sqlite3")

    hit = memo.lookup(world.argv, world.stdin, world.env, world.cwd)

    assert hit is not None
    assert (hit.answer, hit.summary, hit.ledger, hit.facts) == (
        b"bug\n",
        "nänö · 0.1 s",
        "/somewhere/ledger.sqlite3",
        FACTS,
    )


def test_it_ends_when_the_call_behind_it_ends(world: World) -> None:
    now = time.time()
    assert world.keep(ttl_s=60, made_at=now - 50)
    assert world.look() is not None

    world.later_s = 11

    assert world.look() is None


def test_a_clock_that_was_set_back_misses(world: World) -> None:
    assert world.keep(ttl_s=60)

    world.later_s = -3600

    assert world.look() is None


def test_another_version_misses(world: World) -> None:
    assert world.keep()
    code = (
        "import os, sys, synapse_cli\n"
        "synapse_cli.__version__ = sys.argv[1]\n"
        "from synapse_cli.cache import memo\n"
        f"print(memo.lookup({world.argv!r}, {world.stdin!r}, {world.env!r}, {world.cwd!r}) is not None)"
    )

    def look(version: str) -> str:
        command = [sys.executable, "-c", code, version]
        environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    import synapse_cli

    assert (look(synapse_cli.__version__), look("9.9.9")) == ("True", "False")


def test_what_changed_while_the_run_was_on_is_not_kept(world: World) -> None:
    seen = world.witness()
    world.write("notes/a.txt", "other")

    assert not world.keep(witness=seen)


def test_what_appeared_while_the_run_was_on_is_not_kept(world: World) -> None:
    seen = world.witness()
    (world.folder / "near").mkdir()
    assert not world.keep(witness=seen)
    (world.folder / "near").rmdir()

    world.write("notes/c.txt", "third")
    assert not world.keep(witness=seen)


def test_a_file_that_nobody_hashed_must_be_older_than_the_run(world: World) -> None:
    assert not world.keep(witness=world.witness(hashed=False))
    assert world.keep(witness=world.witness(hashed=False), started=time.time() + 10)


def test_a_pipe_named_as_a_file_is_never_kept(world: World) -> None:
    os.mkfifo(world.folder / "pipe")
    seen = Witness()
    seen.read(world.folder / "pipe", "0" * 64)

    assert not world.keep(witness=seen)


def test_content_is_compared_once_and_the_stat_believed_after(world: World) -> None:
    assert world.keep()
    os.utime(world.folder / "template.txt", (1, 1))  # its ctime is now, so it stays in doubt for two seconds

    def noted() -> bytes:
        database = sqlite3.connect(world.folder / "cache" / memo.FILE)
        found: bytes = database.execute("SELECT manifest FROM memos").fetchone()[0]
        database.close()
        return found

    doubted = noted()
    world.later_s = 5
    assert world.look() == b"bug\n"
    believed = noted()
    assert world.look() == b"bug\n"

    assert b" racy" in doubted
    assert b" racy" not in believed
    assert noted() == believed


def test_paths_that_are_no_unicode_are_kept_too(world: World) -> None:
    name = os.fsencode(str(world.folder)) + b"/caf\xe9.txt"
    Path(os.fsdecode(name)).write_text("x")
    seen = Witness()
    seen.read(os.fsdecode(name), "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
    world.argv.append(os.fsdecode(name))

    assert world.keep(witness=seen)
    assert world.look() == b"bug\n"


def test_clear_also_drops_what_a_run_under_way_is_about_to_keep(world: World) -> None:
    started = time.time()
    world.keep()

    assert memo.clear(world.env) == 1

    assert not world.keep(started=started)
    assert world.look() is None
    assert world.keep(started=time.time())


@pytest.mark.parametrize(
    "word", ["--json", "-v", "--no-cache", "--refresh", "--no-log", "-o", "-oout", "--output=x", "-xv"]
)
def test_an_unusual_command_line_is_neither_kept_nor_found(world: World, word: str) -> None:
    world.argv.append(word)

    assert not world.keep()
    assert not memo.is_plain(world.argv)


@pytest.mark.parametrize("words", [["-x"], ["--", "-v"], ["-m", "nano"], ["--cache-ttl=2h"], ["-q"], ["-"]])
def test_a_usual_command_line_is_kept(world: World, words: list[str]) -> None:
    world.argv += words

    assert world.keep()
    assert world.look() == b"bug\n"


def test_only_run_has_memos() -> None:
    assert not memo.is_plain([])
    assert not memo.is_plain(["explain", "x"])


def test_an_answer_too_long_to_be_kept_twice_is_not(world: World) -> None:
    kept = memo.keep(ARGV, None, world.env, world.cwd, answer=b"x" * 2_000_000, witness=Witness(), started=time.time())

    assert not kept


@pytest.mark.parametrize("damage", [b"", b"garbage" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_memo_is_a_miss_and_is_replaced(world: World, damage: bytes) -> None:
    world.keep()
    (world.folder / "cache" / memo.FILE).write_bytes(damage)

    assert world.look() is None
    world.keep()
    world.keep()

    assert world.look() == b"bug\n"


@pytest.mark.parametrize("column", ["answer", "manifest", "facts", "kept", "expires", "summary", "ledger"])
def test_a_row_that_does_not_prove_itself_is_a_miss(world: World, column: str) -> None:
    world.keep()
    database = sqlite3.connect(world.folder / "cache" / memo.FILE, isolation_level=None)
    changed = database.execute(f"UPDATE memos SET {column} = ?", (1.0 if column == "kept" else b"x",)).rowcount
    database.close()

    assert changed == 1
    assert world.look() is None


@pytest.mark.parametrize("damage", [b"=", b"?\0x", b"*\0x\0nine", b"*\0x\x005", b"=\0x\0y"])
def test_a_manifest_that_is_none_is_never_believed(damage: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        manifest.still_holds(damage, time.time())


def test_its_file_is_for_its_owner_only(world: World) -> None:
    world.keep()

    assert (world.folder / "cache" / memo.FILE).stat().st_mode & 0o777 == 0o600
    assert (world.folder / "cache").stat().st_mode & 0o777 == 0o700


def test_expired_memos_are_counted_and_pruned(world: World) -> None:
    world.keep(ttl_s=60)
    assert memo.count(world.env)[0] == 1

    assert memo.prune(world.env, now=time.time() + 61) == 1

    assert memo.count(world.env)[0] == 0


def test_where_nothing_was_ever_kept_nothing_is_made(tmp_path: Path) -> None:
    env = {"SYNAPSE_CACHE_DIR": str(tmp_path / "c")}

    assert memo.lookup(ARGV, None, env, "/") is None
    assert memo.count(env) == (0, 0)
    assert memo.prune(env) == 0
    assert memo.clear(env) == 0
    assert list(tmp_path.iterdir()) == []
