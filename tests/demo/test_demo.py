"""The demo works for somebody who has nothing: no home, no key, no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LABELS = ("billing", "bug", "shipping", "account", "praise")
SEVERITIES = ("info", "warning", "error")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, str, list[Path]]:
    """Exit code, stdout and stderr of the demo, and what it left behind."""
    scratch = tmp_path_factory.mktemp("scratch")
    done = subprocess.run(
        ["sh", HERE / "demo.sh"],
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(scratch),
            "OPENAI_API_KEY": "sk-of-somebody",
            "SYNAPSE_PROFILE": "/of/somebody.toml",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr, list(scratch.iterdir())


def test_the_demo_ends_well_and_leaves_nothing(shown: tuple[int, str, str, list[Path]]) -> None:
    code, _, said, left = shown

    assert (code, said, left) == (0, "", [])


@pytest.mark.parametrize(("file", "labels"), [("tickets.txt", LABELS), ("log.txt", SEVERITIES)])
def test_every_line_gets_one_of_its_labels(
    file: str, labels: tuple[str, ...], shown: tuple[int, str, str, list[Path]]
) -> None:
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        answers = [row.split()[0] for row in shown[1].splitlines() if row.endswith(line)]

        assert answers
        assert set(answers) <= set(labels)


def test_the_climb_says_which_key_is_missing_although_somebody_has_one(shown: tuple[int, str, str, list[Path]]) -> None:
    assert "no key for openai: OPENAI_API_KEY is not set" in shown[1]
    assert "sk-of-somebody" not in shown[1]


def test_every_run_is_listed(shown: tuple[int, str, str, list[Path]]) -> None:
    listed = shown[1].partition("$ synapse log list\n")[2].partition("\n\n")[0].splitlines()

    assert len(listed) == 2 * len(list(_lines("tickets.txt"))) + len(list(_lines("log.txt"))) + 4


def _lines(file: str) -> list[str]:
    return (HERE / file).read_text(encoding="utf-8").splitlines()
