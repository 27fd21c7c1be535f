"""The map names what the code has: folders, files, commands, checks, backends, events, codes, and uses its words."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import get_args

import pytest

from synapse_cli.cli.app import COMMANDS
from synapse_cli.cli.manual import EXIT_CODES
from synapse_cli.core import events
from synapse_cli.core.errors import Exit
from synapse_cli.core.registry import BUILT_IN

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "synapse_cli"
MAP = (PACKAGE / "README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def _row(folder: str) -> list[str]:
    """The words in backticks on a folder's row of the code map."""
    row = re.search(rf"^\| `{folder}` \|.*$", MAP, re.MULTILINE)
    assert row is not None, f"the map has no row for {folder}"
    return re.findall(r"`([^`]+)`", row[0])


def _glossary() -> list[str]:
    table = MAP.partition("## Glossary")[2].partition("## Decisions")[0]
    return re.findall(r"\*\*(\w+)\*\*", table)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_on_the_map_with_its_files(folder: str) -> None:
    words = _row(folder)

    modules = [p.stem for p in (PACKAGE / folder).glob("*.py") if p.stem != "__init__"]

    assert [m for m in modules if not any(fnmatch.fnmatchcase(m, word) for word in words)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_names_no_file_that_is_gone(folder: str) -> None:
    there = {p.stem for p in (PACKAGE / folder).iterdir()} | {f"{p.name}/" for p in (PACKAGE / folder).iterdir()}

    named = [word for word in _row(folder)[1:] if re.fullmatch(r"[a-z_*]+/?", word) and word != "train"]

    assert [word for word in named if not fnmatch.filter(there, word)] == []


@pytest.mark.parametrize("kind", ["backends", "checks"])
def test_every_built_in_name_is_in_the_readme(kind: str) -> None:
    names = BUILT_IN[kind]  # type: ignore[index]  # both are kinds

    assert [name for name in names if f"`{name}`" not in README and f'"{name}"' not in README] == []


def test_every_command_is_on_the_map_and_in_the_readme() -> None:
    assert [name for name in COMMANDS if name not in _row("cli")] == []
    assert [name for name in COMMANDS if f"synapse {name}" not in README] == []


def test_every_event_is_on_the_map() -> None:
    names = [event.__name__ for event in get_args(events.Event)]

    assert [name for name in names if f"`{name}`" not in MAP] == []


def test_every_exit_code_is_in_the_readme_and_in_the_man_pages() -> None:
    table = README.partition("## Exit codes")[2].partition("##")[0]
    codes = {str(int(code)) for code in Exit}

    assert set(re.findall(r"\| (\d+) \|", table)) == codes
    assert {code for code, _ in EXIT_CODES} == codes


def test_every_word_of_the_glossary_is_used_by_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")).casefold()

    assert len(_glossary()) > 20
    assert [word for word in _glossary() if not re.search(rf"\b{word}", code)] == []


def test_the_map_fits_on_one_sheet_and_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", MAP)

    assert len(MAP.splitlines()) <= 120
    assert [link for link in links if "://" not in link and not (PACKAGE / link).exists()] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_a_decision_says_when_why_what_it_costs_and_when_to_think_again() -> None:
    decisions = re.split(r"^\d+\. ", MAP.partition("## Decisions")[2], flags=re.MULTILINE)[1:]

    assert len(decisions) >= 9
    assert [d for d in decisions if d.count(" · ") != 4 or len(d.strip().splitlines()) > 6] == []
