"""Every command of the README is run in an empty home, and prints what the README says.

python -m pytest tests/docs/test_readme.py --regen      writes the outputs anew
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.bench.__main__ import shipped_threshold
from tests.docs.readme import README, Section, normalised, sections
from tests.docs.shell import Shell
from tests.servers import openai
from tests.servers.base import Reply, serving

LINES = README.read_text(encoding="utf-8").splitlines()
SECTIONS = sections(LINES)
PORT = "127.0.0.1:8000"
"""Where a document's own server is; the test puts a loopback server in its place."""
SERVED = Reply(text="The parcel left Hamburg on Monday and is due on Thursday.", tokens=(34, 13))


@pytest.mark.parametrize("section", SECTIONS, ids=[section.title for section in SECTIONS])
def test_the_commands_of_a_section_print_what_it_says(
    section: Section, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with serving(openai, SERVED) as server:
        printed = _typed(section, tmp_path, f"127.0.0.1:{server.port}")

    wrong = [
        (step, said)
        for step, said in zip(section.steps, printed, strict=True)
        if (normalised(said) != normalised(step.expected) if step.varies else said != step.expected)
    ]
    if wrong and pytestconfig.getoption("--regen"):
        _rewrite({step.command: said for step, said in wrong}, section)
        pytest.fail("README.md is rewritten; look at the difference and run it again")
    assert [(s.command, said) for s, said in wrong] == [(s.command, s.expected) for s, _ in wrong]


def test_the_readme_shows_what_it_promises_to_show() -> None:
    commands = "\n".join(step.command for section in SECTIONS for step in section.steps)

    missing = [word for word in PROMISED if word not in commands]

    assert missing == []


def test_the_first_screen_has_a_pipe_and_a_profile_of_15_lines_at_most() -> None:
    first = SECTIONS[0]

    assert first.title == "Synapse"
    assert " | synapse run " in first.steps[0].command
    assert first.steps[0].first < 30
    assert len(first.files["synapse.toml"].splitlines()) <= 15


def test_the_profile_on_the_first_screen_asks_of_nano_what_the_built_in_one_asks() -> None:
    cascade = tomllib.loads(SECTIONS[0].files["synapse.toml"])["cascades"]["thrifty"]

    assert next(rule["min"] for rule in cascade["accept"] if rule["kind"] == "confidence") == shipped_threshold()


PROMISED = (
    "--choices", "--schema", "-f ", "-t ", "--json", "--max-cost", "--cache-only", "--dry-run", "if ", "make ",
    "synapse log list", "synapse log search", "synapse explain", "synapse profile check", "pip install",
)  # fmt: skip


def _typed(section: Section, folder: Path, address: str) -> list[str]:
    shell = Shell(folder, told_of_nano="first run" not in section.marks)
    for name, text in section.files.items():
        shell.write(name, text.replace(PORT, address))
    printed = shell.type([step.command.replace(PORT, address) for step in section.steps])
    return [re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).replace(address, PORT).rstrip("\n") for text in printed]


def _rewrite(outputs: dict[str, str], section: Section) -> None:
    """Put new outputs into the file as it is now: other sections may have been rewritten before this one."""
    lines = README.read_text(encoding="utf-8").splitlines()
    current = next(s for s in sections(lines) if s.title == section.title)
    for step in reversed(current.steps):
        if step.command in outputs:
            said = outputs[step.command]
            lines[step.first : step.last] = said.split("\n") if said else []
    README.write_text("\n".join(lines) + "\n", encoding="utf-8")
