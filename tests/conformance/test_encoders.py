"""The suite of the Encoder port, over every encoder of the registry."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from synapse_cli.core.completion import Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, Interrupted, SynapseError, TimedOut
from synapse_cli.core.ports import Encoder
from synapse_cli.core.registry import BUILT_IN, load
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model
from tests.servers import openai
from tests.servers.base import serving

TEXTS = ("the cat", "hello world !", "a dog ran!")
Make = Callable[..., Encoder]

pytestmark = pytest.mark.filterwarnings(r"ignore:Item '\w+' on TypedDict class:UserWarning")  # LiteLLM's own types


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    """One model an encoder, each of the real kind: a GGUF file, a server on loopback."""
    from tests.encoders.tiny_encoders import bert

    gguf = bert(tmp_path_factory.mktemp("models") / "bert.gguf")
    with serving(openai) as server:
        yield {
            "llama.cpp": Model(name="g", backend="encoder", source=f"file:{gguf}"),
            "litellm": Model(
                name="h", backend="encoder", model="openai/text-embedding-3-small", base_url=f"{server.url}/v1"
            ),
        }


@pytest.fixture(params=sorted(BUILT_IN["encoders"]))
def make(request: pytest.FixtureRequest, models: dict[str, Model]) -> Make:
    found, model = load("encoders", request.param), models[request.param]

    def made(**changes: object) -> Encoder:
        changed = replace(model, **changes)  # type: ignore[arg-type]
        return found(changed, lambda: ("a-key",)) if request.param == "litellm" else found(changed)

    return made


def test_there_is_a_vector_for_each_text_in_order(make: Make) -> None:
    encoder = make()

    together = encoder.encode(TEXTS, Control())
    alone = [encoder.encode([text], Control()).row(0) for text in TEXTS]

    assert len(together) == len(TEXTS)
    assert len(together.packed) == 4 * together.dimension * len(TEXTS)
    for number, row in enumerate(alone):
        assert together.row(number) == pytest.approx(row, abs=1e-5)
    assert together.row(0) != together.row(1)


def test_vectors_have_length_1_unless_asked_otherwise(make: Make) -> None:
    made, raw = make().encode(TEXTS, Control()), make(normalize=False).encode(TEXTS, Control())

    assert [_length(made, number) for number in range(3)] == pytest.approx([1, 1, 1], abs=1e-5)
    assert any(abs(_length(raw, number) - 1) > 1e-3 for number in range(3))


def test_the_same_texts_give_the_same_bytes(make: Make) -> None:
    encoder = make()

    assert encoder.encode(TEXTS, Control()).packed == encoder.encode(TEXTS, Control()).packed


def test_no_texts_are_no_vectors(make: Make) -> None:
    made = make().encode([], Control())

    assert (len(made), made.packed) == (0, b"")


def test_texts_of_any_kind_are_encoded(make: Make) -> None:
    odd = ["", " ", "\n", "\0", "[CLS] [MASK] </s>", "ü" * 300, "\U0001f525", "e\u0301 \u200b \u202e", "word " * 3000]

    made = make().encode(odd, Control())

    assert len(made) == len(odd)
    assert all(math.isfinite(value) for number in range(len(odd)) for value in made.row(number))


def test_more_texts_than_fit_in_one_batch_come_back_in_order(make: Make) -> None:
    encoder = make()
    texts = [TEXTS[number % 3] + " cat" * (number % 7) for number in range(230)]

    made = encoder.encode(texts, Control())

    assert len(made) == 230
    for number in (0, 95, 96, 229):
        assert made.row(number) == pytest.approx(encoder.encode([texts[number]], Control()).row(0), abs=1e-3)


def test_what_it_took_is_said(make: Make) -> None:
    made = make().encode(TEXTS, Control())

    assert made.usage.input is not None
    assert made.usage.input > 0
    assert made.usage.output == 0
    assert made.cost is not None
    assert made.cost >= 0


def test_a_call_that_is_stopped_before_it_starts_is_interrupted(make: Make) -> None:
    control = Control()
    control.stop()

    with pytest.raises(Interrupted):
        make().encode(TEXTS, control)


def test_a_call_whose_time_is_over_times_out(make: Make) -> None:
    with pytest.raises(TimedOut):
        make().encode(TEXTS, Control(time.monotonic() - 1))


def test_what_is_known_without_calling(make: Make) -> None:
    facts = make().facts()

    assert isinstance(facts, Facts)
    assert facts.provider
    assert not facts.is_local or (facts.price is not None and facts.price.input == 0)


def test_threads_may_share_an_encoder(make: Make) -> None:
    encoder, expected = make(), make().encode(TEXTS, Control()).packed
    made: list[bytes] = []
    failed: list[SynapseError] = []

    def ask() -> None:
        try:
            made.append(encoder.encode(TEXTS, Control()).packed)
        except SynapseError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert made == [expected] * 6


def test_a_file_that_is_not_there_is_said_at_the_call_and_not_at_the_facts() -> None:
    encoder = load("encoders", "llama.cpp")(Model(name="m", backend="encoder", source="file:/nowhere/x.gguf"))

    assert encoder.facts().is_local
    with pytest.raises(BackendError, match=r"nowhere/x\.gguf"):
        encoder.encode(TEXTS, Control())


def test_every_built_in_encoder_is_in_this_suite(models: dict[str, Model]) -> None:
    assert set(models) == set(BUILT_IN["encoders"])


def _length(vectors: Vectors, number: int) -> float:
    return math.sqrt(math.fsum(value * value for value in vectors.row(number)))
