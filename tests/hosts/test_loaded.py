"""A host holds as many models as its limit takes, the latest used ones, and shows them."""

from __future__ import annotations

from typing import Any

from tests.e2e.machine import Machine
from tests.local.tiny_gguf import write

MODELS = ("a", "b", "c")


def _use(machine: Machine, limit: str, keep_alive: str = "1h") -> None:
    models = ""
    for seed, name in enumerate(MODELS):
        if not (machine.work / f"{name}.gguf").exists():
            write(machine.work / f"{name}.gguf", seed=seed)
        models += (
            f'[models.{name}]\nbackend = "llama.cpp"\nsource = "file:{machine.work}/{name}.gguf"\n'
            f'keep_alive = "{keep_alive}"\nparams = {{ max_tokens = 2 }}\n'
        )
    machine.use(f'schema = 1\n{models}[routes.default]\nuse = "a"\n[hosts]\nmax_memory = "{limit}"\n')


def _loaded(machine: Machine) -> list[dict[str, Any]]:
    (host,) = machine.synapse("hosts", "list", "--json").json
    loaded: list[dict[str, Any]] = host["loaded"]
    return loaded


def _ask(machine: Machine, name: str) -> None:
    done = machine.synapse("run", "-m", name, "--no-cache", "--no-log", "hello")
    assert done.code == 0, done.err


def test_the_longest_unused_makes_room_for_the_next(machine: Machine) -> None:
    _use(machine, "100GB")
    _ask(machine, "a")
    (first,) = _loaded(machine)
    limit = int(2.5 * first["bytes"])
    _use(machine, f"{limit}B")

    for name in ("b", "a", "c"):
        _ask(machine, name)
    loaded = _loaded(machine)

    assert [each["name"] for each in loaded] == ["c", "a"]
    assert sum(each["bytes"] for each in loaded) <= limit
    assert [each["answers"] for each in loaded] == [1, 2]


def test_a_model_that_is_not_to_be_kept_is_gone_after_its_answer(machine: Machine) -> None:
    _use(machine, "100GB", keep_alive="0s")

    _ask(machine, "a")

    assert _loaded(machine) == []


def test_a_model_that_can_never_fit_is_refused_with_the_numbers(machine: Machine) -> None:
    _use(machine, "1MB")

    done = machine.synapse("run", "--no-cache", "hello")

    assert done.code == 69
    assert "a needs " in done.err
    assert "and [hosts] max_memory is 1.0 MB" in done.err
    assert "raise [hosts] max_memory" in done.err
    assert _loaded(machine) == []
