"""Start-up is a feature: what each entry point may import, by name and by number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = {"litellm", "llama_cpp", "numpy", "tiktoken", "openai", "torch"}
HEAVY = ENGINES | {"rich", "pydantic", "jsonschema", "huggingface_hub", "keyring"}
_COUNT = """
import sys, json, os
sys.argv = ["synapse", *json.loads(os.environ["ARGV"])]
import synapse_cli.__main__ as program
def leave(code):
    with open(os.environ["MODULES"], "w") as out:
        out.write(json.dumps(sorted(sys.modules)))
    os._exit(code)
program._leave = leave
program.main()
"""
PROFILE = """schema = 1
[models.echo]
backend = "scripted"
replies = [{ match = ".", text = "an answer" }]
[routes.default]
use = "echo"
"""


def _modules(folder: Path, *arguments: str) -> set[str]:
    """Run a command line in a process of its own and return what it had imported at the end."""
    out = folder / "modules.json"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SYNAPSE_HOSTS": "off",
        "SYNAPSE_PROFILE": str(folder / "profile.toml"),
        "MODULES": str(out),
        "ARGV": json.dumps(arguments),
    }
    if not (folder / "profile.toml").exists():
        (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", _COUNT],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        cwd=folder,
    )
    return set(json.loads(out.read_text(encoding="utf-8")))


def _packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def _third_party(modules: set[str]) -> set[str]:
    return _packages(modules) - set(sys.stdlib_module_names) - {"synapse_cli", "__main__", "__mp_main__"}


def test_version_imports_nothing(tmp_path: Path) -> None:
    modules = _modules(tmp_path, "--version")

    assert _third_party(modules) <= _environment_noise()
    assert {m for m in modules if m.startswith("synapse_cli")} == {"synapse_cli", "synapse_cli.__main__"}


def test_a_memo_hit_imports_nothing_of_others(tmp_path: Path) -> None:
    _modules(tmp_path, "run", "hello")
    _modules(tmp_path, "run", "hello")

    modules = _modules(tmp_path, "run", "hello")

    assert _third_party(modules) <= _environment_noise()
    assert "typer" not in modules
    assert len(modules - _bare(tmp_path)) <= 45


def test_a_cached_answer_imports_no_engine(tmp_path: Path) -> None:
    _modules(tmp_path, "run", "--json", "hello")

    modules = _modules(tmp_path, "run", "--json", "hello")

    assert not _packages(modules) & HEAVY
    assert not {m for m in modules if m.startswith("synapse_cli.backends.")} - {"synapse_cli.backends.scripted"}
    assert len(modules - _bare(tmp_path)) <= 260


def test_a_route_found_by_words_imports_nothing_heavy(tmp_path: Path) -> None:
    examples = "".join(
        f'[routes.{name}]\nuse = "echo"\nexamples = ["{name} one", "{name} two", "{name} three"]\n' for name in "abc"
    )
    (tmp_path / "profile.toml").write_text(f'{PROFILE}{examples}[routing]\norder = ["lexical"]\n', encoding="utf-8")
    _modules(tmp_path, "run", "--no-cache", "a one, to learn the routes")

    modules = _modules(tmp_path, "run", "--no-cache", "a two")

    assert "synapse_cli.routing.lexical" in modules
    assert not _packages(modules) & HEAVY
    assert not modules & {"synapse_cli.routing.semantic", "synapse_cli.routing.judge", "synapse_cli.routing.compile"}


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("log", "--help"), ("models", "--help")])
def test_help_in_a_pipe_draws_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    modules = _modules(tmp_path, *arguments)

    assert not _packages(modules) & HEAVY


def _bare(folder: Path) -> set[str]:
    code = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=folder)
    return set(json.loads(done.stdout))


def _environment_noise() -> set[str]:
    """What `.pth` files of the environment import before any command runs."""
    return _packages(_bare(Path())) | {"_virtualenv", "sitecustomize"}
