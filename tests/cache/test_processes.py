"""Many processes at one cache, from the first moment on: nothing is lost, nothing is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from synapse_cli.cache.exact import Exact

ROOT = Path(__file__).parents[2]
WRITERS, ANSWERS = 8, 12
_USE = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from synapse_cli.cache import memo
from synapse_cli.cache.exact import Exact
from synapse_cli.core.files import file_sha256
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.witness import Witness
folder, first = sys.argv[1], int(sys.argv[2])
for number in range(first, first + {ANSWERS}):
    store = Exact(folder, warn=lambda line: sys.exit(line))
    assert store.get_completion(str(number)) is None
    text = str(number) * (20_000 if number % 4 == 0 else 1)
    store.put_completion(str(number), Completion(text=text, finish="stop", usage=Usage(1, 1), cost=None))
    kept = store.get_completion(str(number))
    assert kept is not None and kept.text == text, number
    env, argv = {{"SYNAPSE_CACHE_DIR": folder}}, ["run", str(number)]
    file_sha256(sys.executable, folder)
    assert memo.keep(argv, None, env, "/", answer=text.encode()[:99], witness=Witness(), started=time.time()), number
    hit = memo.lookup(argv, None, env, "/")
    assert hit is not None and hit.answer == text.encode()[:99], number
    if number % 2:
        store.close()
"""


def test_eight_processes_at_once_lose_nothing_and_say_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    commands = [[sys.executable, "-c", _USE, str(folder), str(number * ANSWERS)] for number in range(WRITERS)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands
    ]

    told = [process.communicate(timeout=120) for process in running]

    assert told == [("", "")] * WRITERS
    store = Exact(folder, warn=lambda line: None)
    assert len(list(store.entries())) == WRITERS * ANSWERS
    store.close()


def test_a_hit_imports_no_diskcache(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from synapse_cli.cache.exact import Exact\n"
        "from synapse_cli.core.completion import Completion, Usage\n"
        "store = Exact(sys.argv[1], warn=print)\n"
        "if sys.argv[2] == 'put':\n"
        "    store.put_completion('k', Completion(text='x', finish='stop', usage=Usage(), cost=None))\n"
        "print(store.get_completion('k') is not None, store.get_completion('l'), 'diskcache' in sys.modules)\n"
    )

    def run(what: str) -> str:
        command = [sys.executable, "-c", code, str(tmp_path), what]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [run("get"), run("put"), run("get")] == [
        "False None False\n",
        "True None True\n",
        "True None False\n",
    ]


def test_rows_are_of_the_modes_that_diskcache_means() -> None:
    from diskcache import core

    from synapse_cli.cache import peek

    assert (peek.IN_ROW, peek.IN_FILE) == (core.MODE_RAW, core.MODE_BINARY)
