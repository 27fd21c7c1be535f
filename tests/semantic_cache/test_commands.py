"""The commands, as people and scripts use them: a run that was answered by another, and what may be trusted of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine, toml_of
from tests.encoders.tiny_encoders import bert
from tests.semantic_cache.made import pairs, write

WORDS = (
    "how do i can change repair sell paint rent clean describe improve replace store return protect my the best way "
    "to what is should in town invoice parcel password account refund printer router laptop garden recipe passport "
    "visa kitchen guitar bicycle mortgage tomato novel software battery camera engine carpet window piano again it"
)
PROFILE = """schema = 1
[models.echo]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{ match = "", text = "an answer" }]
[models.tiny]
backend = "encoder"
source = "file:ENCODER"
[routes.default]
use = "echo"
[tenants.acme]
[tenants.other]
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder with random weights: texts of the same words are near each other, and more is not needed here."""
    words = list(dict.fromkeys((*WORDS.split(), *"abcdefghij.,!?0123456789")))
    return bert(tmp_path_factory.mktemp("encoder") / "tiny.gguf", words=words)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _use(machine: Machine, encoder: Path, **semantic: object) -> None:
    told = {"enabled": True, "encoder": "tiny", **semantic}
    lines = "".join(f"{key} = {toml_of(value)}\n" for key, value in told.items())
    machine.use(PROFILE.replace("ENCODER", str(encoder)) + "[cache.semantic]\n" + lines)


def test_a_prompt_like_one_before_is_answered_by_it_and_says_so_everywhere(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, unsafe_threshold=0.5)
    machine.synapse("run", "how do i change my password")

    told = machine.synapse("run", "--json", "how can i change my password").json
    seen = machine.synapse("run", "-v", "how should i change my password")

    assert (told["answer"], told["cached"], told["cached_by"]["kind"]) == ("an answer", True, "semantic")
    assert told["cached_by"]["prompt"] == "how do i change my password"
    assert told["cached_by"]["certified"] is False
    assert told["cost_usd"] == "0"
    assert "as for 'how do i change my password'" in seen.err
    assert len(machine.calls) == 1
    assert [row[0][:6] for row in machine.ledger("SELECT reason FROM attempts WHERE cached = 1")] == ["as for"] * 2
    shown = machine.synapse("cache", "show", told["cached_by"]["entry"][:12])
    assert shown.out.decode().splitlines()[0] == "prompt  how do i change my password"


def test_the_exact_hit_says_that_it_is_one_and_asks_no_encoder(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, unsafe_threshold=0.5)
    machine.synapse("run", "how do i change my password")
    encoder_gone = machine.home / "gone"
    _use(machine, encoder_gone, unsafe_threshold=0.5)

    told = machine.synapse("run", "--json", "how do i change my password").json

    assert told["cached_by"]["kind"] == "exact"
    assert told["cached_by"]["prompt"] is None


def test_an_exact_hit_imports_nothing_of_all_this(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, unsafe_threshold=0.5)
    machine.synapse("run", "how do i change my password")

    seen = machine.synapse("run", "--json", "how do i change my password", env={"PYTHONPROFILEIMPORTTIME": "1"})

    assert seen.json["cached_by"]["kind"] == "exact"
    assert "synapse_cli.cache.cached" in seen.err
    for heavy in (
        "numpy",
        "llama_cpp",
        "synapse_cli.cache.semantic",
        "synapse_cli.learned",
        "synapse_cli.flows.nearly",
    ):
        assert heavy not in seen.err


def test_a_number_a_file_and_a_tenant_are_never_passed_over(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, unsafe_threshold=0.1)
    machine.write("a.txt", "the parcel")
    machine.write("b.txt", "the piano")
    machine.synapse("run", "what is it")
    machine.synapse("run", "what is it", "-f", "a.txt")

    for others in (
        ["what is it 2"],
        ["what is it", "-f", "b.txt"],
        ["what is it", "--tenant", "acme"],
        ["what is it", "--system", "be kind"],
        ["what is it", "--param", "temperature=1"],
    ):
        assert machine.synapse("run", "--json", *others).json["cached"] is False
    assert machine.synapse("run", "--json", "what is it again", "-f", "a.txt").json["cached"] is True
    assert len(machine.calls) == 7


def test_an_encoder_that_cannot_be_asked_costs_no_answer(machine: Machine) -> None:
    _use(machine, machine.home / "gone.gguf", unsafe_threshold=0.5)

    told = machine.synapse("run", "--json", "what is it")

    assert told.code == 0
    assert told.json["answer"] == "an answer"
    assert any("semantic cache is not asked" in line for line in told.json["warnings"])


def test_it_refuses_to_turn_on_without_a_proof_or_a_threshold(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder)

    refused = machine.synapse("run", "what is it")

    assert refused.code == 78
    assert "synapse cache calibrate" in refused.err


def test_what_calibrate_wrote_is_what_a_run_goes_by(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, enabled=False)
    path = write(machine.work / "pairs.jsonl", pairs(690))

    made = machine.synapse("cache", "calibrate", str(path), "-o", "made.similarity", "--json")
    measured = machine.synapse(
        "cache", "eval", str(path), "--similarity", "made.similarity", "--json", "--svg", "a.svg"
    )
    _use(machine, encoder, similarity=str(machine.work / "made.similarity"))
    first, second = pairs(40, seed=77)[0], pairs(40, seed=77)[1]
    machine.synapse("run", first.first)
    told = machine.synapse("run", "--json", first.second).json

    assert (made.code, made.json["certified"], made.json["pairs"]) == (0, True, 690)
    assert made.json["profile_lines"][-1] == 'encoder = "tiny"'
    assert measured.code == 0
    assert measured.json["certified"] is True
    assert measured.json["wrong"] <= 0.1 * measured.json["hits"]
    assert (machine.work / "a.svg").read_text().startswith("<svg")
    assert told["cached"] is first.same or told["cached_by"] is None
    assert second.key != first.key


def test_nothing_certified_exits_100_and_writes_nothing(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, enabled=False)
    path = write(machine.work / "pairs.jsonl", pairs(80, noise=0.5))

    made = machine.synapse("cache", "calibrate", str(path), "-o", "made.similarity", "--max-wrong", "5%")

    assert made.code == 100
    assert "nothing is certified" in made.err
    assert not (machine.work / "made.similarity").exists()


def test_a_limit_that_is_broken_exits_100(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, enabled=False)
    path = write(machine.work / "pairs.jsonl", pairs(60, noise=0.3))

    loose = machine.synapse("cache", "eval", str(path), "--threshold", "0.01", "--max-wrong", "10%", "--plot")
    held = machine.synapse("cache", "eval", str(path), "--threshold", "0.01", "--max-wrong", "90%")

    assert (loose.code, held.code) == (100, 0)
    assert "wrong hits" in loose.out.decode()
    assert "cosine alone" in loose.out.decode()


def test_a_damaged_similarity_is_78_in_a_profile_and_66_on_the_command_line(machine: Machine, encoder: Path) -> None:
    damaged = machine.write("damaged.similarity", b"\x10" + b"x" * 200)
    path = write(machine.work / "pairs.jsonl", pairs(40))
    _use(machine, encoder, similarity=str(damaged))

    run = machine.synapse("run", "what is it")
    measured = machine.synapse("cache", "eval", str(path), "--similarity", str(damaged))
    missing = machine.synapse("cache", "eval", str(path), "--similarity", "nowhere")

    assert (run.code, measured.code, missing.code) == (78, 66, 66)
    assert "cache.semantic.similarity" in run.err


def test_clearing_the_cache_forgets_prompts_too(machine: Machine, encoder: Path) -> None:
    _use(machine, encoder, unsafe_threshold=0.5)
    machine.synapse("run", "how do i change my password")
    assert b"prompts    1" in machine.synapse("cache", "stats").out

    machine.synapse("cache", "clear")

    assert b"prompts    0" in machine.synapse("cache", "stats").out
    assert machine.synapse("run", "--json", "how can i change my password").json["cached"] is False
