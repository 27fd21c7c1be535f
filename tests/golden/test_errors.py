"""How each kind of error is told: one line, a hint, an exit code. From a real command wherever one can produce it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse_cli.core import errors
from synapse_cli.core.errors import SynapseError
from synapse_cli.report.problem import tell
from tests.conftest import Golden
from tests.docs.shell import Shell

HERE = Path(__file__).parent / "errors"
PROFILE = """schema = 1
[models]
echo = { backend = "scripted", replies = [{ match = "hello", text = "Hello." }] }
mute = { backend = "scripted", replies = [{ match = "hello", text = "Hello." }] }
dear = { backend = "scripted", price = { input = 5, output = 20 }, replies = [{ text = "Hello." }] }
busy = { backend = "scripted", replies = [{ error = "rate_limited" }] }
slow = { backend = "scripted", replies = [{ error = "timeout" }] }
down = { backend = "scripted", replies = [{ error = "server" }] }
torn = { backend = "scripted", replies = [{ text = "half an answer", error = "cut" }] }
shut = { backend = "scripted", replies = [{ error = "auth" }] }
mini = { backend = "litellm", model = "openai/gpt-5-mini" }
garbage = { backend = "llama.cpp", source = "file:garbage.gguf" }
nano = { backend = "llama.cpp", source = "builtin:nano" }
[cascades.strict]
tiers = ["echo"]
accept = [{ kind = "regex", pattern = "^\\\\d+$" }]
[cascades.silent]
tiers = ["echo", "mute"]
[routes.strict]
use = "strict"
[routes.silent]
use = "silent"
[routes.default]
use = "echo"
"""
WRONG_PROFILE = """schema = 1
[models.small]
backend = "scripted"
replys = []
[cascades.climb]
tiers = ["smal"]
accept = [{ kind = "confidense", min = "high" }]
[routes.default]
use = "climb"
"""
PLUGGED = 'schema = 1\n[models.own]\nbackend = "broken"\n[routes.default]\nuse = "own"\n'
BROKEN_PLUGIN = {
    "site/broken-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n",
    "site/broken-1.0.dist-info/entry_points.txt": "[synapse.backends]\nbroken = broken:Backend\n",
    "site/broken.py": "import no_such_package\n",
    "site/absent/llama_cpp.py": "raise ImportError('as if it were not installed')\n",
}
COMMANDS = {
    "usage": "synapse run --choices yes hello",
    "unaccepted": "synapse run -r strict hello",
    "input": "synapse run -f notes.txt hello",
    "backend": "synapse run -r silent 'good morning'",
    "engine_missing": "PYTHONPATH=~/site/absent synapse run -q -m nano hello",
    "model_unusable": "synapse run -m ./garbage.gguf hello",
    "model_missing": "synapse run -m ./missing.gguf hello",
    "bad_request": "yes and so on | head -4000 | synapse run -q -m nano 'Summarise'",
    "bad_answer": "synapse run 'good morning'",
    "rate_limited": "synapse run -m busy hello",
    "timeout": "synapse run -m slow hello",
    "server": "synapse run -m down hello",
    "cut": "synapse run -m torn hello",
    "auth": "synapse run -m shut hello",
    "cache_miss": "synapse run --cache-only 'hello again'",
    "key_missing": "synapse run -m mini hello",
    "not_allowed": "synapse run --local-only -m dear hello",
    "profile": "SYNAPSE_PROFILE=wrong.toml synapse run hello",
    "budget": "synapse run --max-cost 0 -m dear hello",
    "threshold": "synapse bench -m echo -f prompts.csv --fail-under 90% >/dev/null",
    "plugin": "SYNAPSE_PROFILE=plugged.toml synapse run hello",
}
RENDERED = {
    "error": SynapseError("what happened, and why", "what to try"),
    "unavailable": errors.Unavailable("trying later makes sense"),
    "refused": errors.Refused("may not"),
    "doctor": errors.DoctorFailed("2 checks failed"),
    "circuit_open": errors.CircuitOpen(
        "gpt-5-mini of openai was not asked: it has been failing since 17:22:49 (3 times in a row, last: 503); "
        "it is tried again in 27 s",
        "to ask it at once: synapse providers reset",
    ),
    "shed": errors.Shed(
        "openai is busy: all 8 calls of env:OPENAI_API_KEY are under way, and a turn would have come in about 40 s",
        "try again later, or raise limits.max_wait (30 s) or --timeout",
    ),
    "unsuited": errors.Unsuited("it labels, and this request has no set of labels"),
    "interrupted": errors.Interrupted("interrupted"),
    "closed_pipe": errors.ClosedPipe("", ""),
}
"""Kinds that no single command shows the same on every machine, and the bases that are never raised themselves."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    shell = Shell(tmp_path_factory.mktemp("errors"))
    for name, text in {"profile.toml": PROFILE, "wrong.toml": WRONG_PROFILE, "plugged.toml": PLUGGED}.items():
        shell.write(name, text)
    for name, text in BROKEN_PLUGIN.items():
        shell.write(f"../{name}", text)
    shell.write("prompts.csv", "prompt,expected\n" + "hello,Goodbye.\n" * 4)
    shell.write("garbage.gguf", "this is not a model\n" * 40)
    shell.environment["SYNAPSE_PROFILE"] = "profile.toml"
    typed = [f'{command}; echo "exit $?"' for command in COMMANDS.values()]
    return {
        kind: f"$ {command}\n{said}" for (kind, command), said in zip(COMMANDS.items(), shell.type(typed), strict=True)
    }


@pytest.mark.parametrize("kind", COMMANDS)
def test_an_error_is_told_as_committed(kind: str, told: dict[str, str], golden: Golden) -> None:
    golden(HERE / f"{kind}.txt", told[kind])


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_ends_with_the_code_of_its_error(kind: str, told: dict[str, str]) -> None:
    codes = {cls.exit_code for cls in _classes() if cls.kind == kind}

    assert len(codes) == 1
    assert told[kind].splitlines()[-1] == f"exit {codes.pop():d}"
    assert "Traceback" not in told[kind]


@pytest.mark.parametrize("kind", RENDERED)
def test_an_error_is_rendered_as_committed(kind: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    error = RENDERED[kind]

    tell(error)

    assert error.kind == kind
    golden(HERE / f"{kind}.txt", f"{capsys.readouterr().err}exit {error.exit_code:d}\n")


def test_every_kind_of_error_has_its_text() -> None:
    kinds = {cls.kind for cls in _classes()}

    assert kinds == {*COMMANDS, *RENDERED}
    assert {path.stem for path in HERE.iterdir()} == kinds


def test_the_tree_that_errors_draw_of_themselves_is_the_tree() -> None:
    drawn = dict(re.findall(r"── (\w+) +(\d+) ", errors.__doc__ or ""))

    assert drawn == {cls.__name__: str(int(cls.exit_code)) for cls in _classes() if cls is not SynapseError}


def _classes(base: type[SynapseError] = SynapseError) -> Iterator[type[SynapseError]]:
    yield base
    for cls in base.__subclasses__():
        if cls.__module__.startswith("synapse_cli.core"):
            yield from _classes(cls)
