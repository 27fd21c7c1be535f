"""What `-h` says of every command, in a pipe, 100 columns wide."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.cli.spec import tree, walk
from tests.conftest import Golden
from tests.docs.shell import Shell

HERE = Path(__file__).parent / "help"
COMMANDS = [" ".join(spec.path) for spec in walk(tree())]


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    shell = Shell(tmp_path_factory.mktemp("help"))

    return dict(zip(COMMANDS, shell.type([f"{command} --help | cat" for command in COMMANDS]), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_the_committed_text(command: str, helps: dict[str, str], golden: Golden) -> None:
    golden(HERE / f"{command.replace(' ', '-')}.txt", helps[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal_of_80_columns(command: str, helps: dict[str, str]) -> None:
    assert [line for line in helps[command].splitlines() if len(line) > 80] == []


def test_help_of_a_command_that_is_gone_is_gone() -> None:
    assert {path.stem for path in HERE.iterdir()} == {command.replace(" ", "-") for command in COMMANDS}
