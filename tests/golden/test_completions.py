"""TAB, asked of real shells: bash on every machine, zsh and fish where they are (a test's name says which)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

COMPLETIONS = Path(__file__).resolve().parents[2] / "completions"
SYNTAX = {"bash": "synapse.bash", "zsh": "_synapse", "fish": "synapse.fish"}
INSTALLED = [shell for shell in SYNTAX if shutil.which(shell)]
"""Of the three, those that this machine has; CI's Linux has bash."""


def _tab(*words: str, folder: Path) -> set[str]:
    """What bash offers for the last word."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _synapse; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", script, COMPLETIONS / "synapse.bash", "synapse", *words],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


def test_bash_offers_the_commands(tmp_path: Path) -> None:
    offered = _tab("", folder=tmp_path)

    assert {"run", "log", "cache", "--version"} <= offered
    assert not offered & {"list", "--choices"}


def test_bash_offers_a_group_its_own_commands(tmp_path: Path) -> None:
    assert _tab("log", "s", folder=tmp_path) == {"show", "search"}


def test_bash_offers_the_flags_of_the_command_that_was_typed(tmp_path: Path) -> None:
    assert _tab("run", "--cache", folder=tmp_path) == {"--cache-only", "--cache-ttl"}
    assert _tab("log", "list", "--st", folder=tmp_path) == {"--status"}


def test_bash_offers_files_where_a_flag_takes_one_spaces_and_all(tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").touch()
    (tmp_path / "other.gguf").touch()

    assert _tab("run", "-f", "", folder=tmp_path) == {"my notes.txt", "other.gguf"}
    assert _tab("run", "-m", "oth", folder=tmp_path) == {"other.gguf"}


def test_bash_offers_nothing_where_a_flag_takes_a_word(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert _tab("run", "--timeout", "", folder=tmp_path) == set()


def test_bash_offers_files_for_a_prompt_that_is_no_flag(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    assert _tab("run", "no", folder=tmp_path) == {"notes.txt"}


def test_bash_is_here() -> None:
    assert "bash" in INSTALLED


@pytest.mark.parametrize("shell", INSTALLED)
def test_the_script_is_one_that_the_shell_can_read(shell: str) -> None:
    done = subprocess.run([shell, "-n", COMPLETIONS / SYNTAX[shell]], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", INSTALLED)
def test_completions_are_installed_where_the_shell_looks(shell: str, tmp_path: Path) -> None:
    from tests.docs.shell import Shell

    place = {
        "bash": ".local/share/bash-completion/completions/synapse",
        "zsh": ".local/share/zsh/site-functions/_synapse",
        "fish": ".config/fish/completions/synapse.fish",
    }[shell]
    session = Shell(tmp_path)

    session.type([f"synapse completions install {shell}"])

    installed = (session.home / place).read_text(encoding="utf-8")
    assert installed == (COMPLETIONS / SYNTAX[shell]).read_text(encoding="utf-8")


def test_fish_where_it_is_installed_offers_the_commands_of_a_group(tmp_path: Path) -> None:
    script = f"source {COMPLETIONS / 'synapse.fish'}; complete -C 'synapse log s'"
    fish = [shutil.which("fish")] if "fish" in INSTALLED else []

    for path in fish:
        done = subprocess.run(
            [path, "--no-config", "-c", script],
            capture_output=True, text=True, check=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["search", "show"]
