"""`synapse doctor` finds what is wrong, and says that all is well only where it is."""

from __future__ import annotations

import sqlite3

import pytest

from tests.e2e.machine import ECHO, Machine
from tests.local import tiny_gguf

TINY = 'schema = 1\n[models.tiny]\nbackend = "llama.cpp"\nsource = "file:{path}"\n[routes.default]\nuse = "tiny"\n'


def findings(machine: Machine, code: int, **options: object) -> dict[str, tuple[str, str]]:
    """What the doctor said, by name."""
    done = machine.synapse("doctor", "--json", **options)
    assert done.code == code, done.out.decode() + done.err
    assert "Traceback" not in done.err
    return {row["what"]: (row["status"], row["detail"]) for row in done.json}


def test_a_fresh_machine_without_keys_is_well(machine: Machine) -> None:
    done = machine.synapse("doctor", env={"OPENAI_API_KEY": ""})

    assert done.code == 0, done.out.decode() + done.err
    told = done.out.decode().splitlines()
    assert {line.split()[0] for line in told} <= {"ok", "note"}
    assert any(line.startswith("note") and "OPENAI_API_KEY" in line for line in told)
    assert any(line.startswith("ok") and "local answer: nano says" in line for line in told)
    assert machine.runs == []


def test_everything_that_is_wrong_is_found_at_once(machine: Machine) -> None:
    machine.use(TINY.format(path=machine.root / "broken.gguf"))
    (machine.root / "broken.gguf").write_bytes(b"GGUF" + b"\0" * 10)
    machine.state.mkdir(parents=True)
    machine.state.chmod(0o755)
    (machine.state / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    machine.cache.parent.mkdir(parents=True)
    machine.cache.write_text("a file")

    found = findings(machine, 69, env={"PYTHONPATH": str(_without(machine, "litellm"))})

    assert found["model tiny"][0] == "fail"
    assert found["state folder"][0] == "fail"
    assert "chmod 700" in found["state folder"][1]
    assert found["ledger"][0] == "fail"
    assert found["cache folder"][0] == "fail"
    assert found["local answer"][0] == "fail"
    assert found["engine litellm"][0] == "note"
    assert found["engine llama.cpp"][0] == "pass"


def _without(machine: Machine, package: str) -> object:
    """A folder that, put before all others, hides a package as if it were not installed."""
    folder = machine.root / "hides"
    folder.mkdir()
    said = f"No module named {package!r}"
    (folder / f"{package}.py").write_text(f"raise ModuleNotFoundError({said!r}, name={package!r})\n")
    return folder


@pytest.mark.parametrize("engine", ["llama_cpp", "litellm"])
def test_without_one_engine_the_other_still_works(machine: Machine, engine: str) -> None:
    machine.use(ECHO)
    tiny_gguf.write(machine.work / "tiny.gguf")
    env = {"PYTHONPATH": str(_without(machine, engine)), "OPENAI_API_KEY": "sk-canary-1234567890"}

    local = machine.synapse("run", "-m", "./tiny.gguf", "--choices", "yes,no", "hello", env=env)
    hosted = machine.synapse("run", "-m", "openai/gpt-5-mini", "--timeout", "60", "hello", env=env)
    scripted = machine.synapse("run", "hello", env=env)

    missing, other = (local, hosted) if engine == "llama_cpp" else (hosted, local)
    assert missing.code == 69
    assert "pip install" in missing.err
    assert "pip install" not in other.err
    assert scripted.code == 0
    if engine == "litellm":
        assert (local.code, local.out) in {(0, b"yes\n"), (0, b"no\n")}


def test_a_wrong_profile_is_the_doctors_finding_and_not_its_end(machine: Machine) -> None:
    machine.use("schema = 1\nmodels = 7\n")

    found = findings(machine, 69)

    assert found["profile"][0] == "fail"
    assert "and 1 more: synapse profile check" in found["profile"][1]
    assert "python" in found


def test_a_ledger_in_use_is_well(machine: Machine) -> None:
    machine.use(TINY.format(path=tiny_gguf.write(machine.root / "tiny.gguf")))
    machine.synapse("run", "--choices", "yes,no", "hello")
    book = sqlite3.connect(machine.state / "ledger.sqlite3")
    book.execute("BEGIN IMMEDIATE")

    found = findings(machine, 0)
    book.close()

    assert found["ledger"][0] == found["cache"][0] == "pass"
    assert found["config folder"][0] == "note"  # a profile holds no secret, and people make its folder by hand
    assert found["local answer"][1] in {"tiny says 'positive'", "tiny says 'negative'"}
    assert len(machine.runs) == 1
