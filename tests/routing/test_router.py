"""What is learned of examples, and what it says of prompts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.learned import file
from synapse_cli.learned.file import Learned
from synapse_cli.routing.compile import learn
from synapse_cli.routing.examples import Examples, gathered
from synapse_cli.routing.router import Router, from_learned, load
from tests.routing import drawn


def _router(learned: Learned) -> Router:
    return from_learned(file.from_bytes(file.to_bytes(learned), "router", "router"))


def unit_vectors(examples: Examples, seed: int = 0) -> np.typing.NDArray[np.float64]:
    """Vectors near a direction of each route's own."""
    dice = np.random.default_rng(seed)
    rows = np.eye(8)[list(examples.labels)] + dice.normal(0, 0.15, (len(examples), 8))
    unit: np.typing.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def words_only() -> Router:
    return _router(learn(drawn.examples(4, 40), reject=0.05))


def test_new_prompts_of_a_route_find_it(words_only: Router) -> None:
    right = [
        words_only.read(text).route == route for route in words_only.routes for text in drawn.texts(route, 25, seed=9)
    ]

    assert sum(right) >= 97


def test_few_new_prompts_are_rejected_and_strange_ones_are(words_only: Router) -> None:
    inside = [words_only.read(text).in_scope for route in words_only.routes for text in drawn.texts(route, 50, seed=9)]
    outside = [words_only.read(text).in_scope for text in drawn.texts("nowhere", 50)]

    assert sum(inside) >= 180  # 5 % of 200, and what chance adds
    assert sum(outside) <= 10


def test_probabilities_are_of_all_routes_and_add_up(words_only: Router) -> None:
    guess = words_only.read("whatever this is")

    assert {route for route, _ in guess.probabilities} == set(words_only.routes)
    assert sum(chance for _, chance in guess.probabilities) == pytest.approx(1)
    assert [chance for _, chance in guess.probabilities] == sorted(
        (chance for _, chance in guess.probabilities), reverse=True
    )


@pytest.mark.parametrize("prompt", ["", " ", "x" * 100_000, "\ud800", "🙂" * 5000])
def test_any_prompt_is_judged(words_only: Router, prompt: str) -> None:
    assert 0 < words_only.read(prompt).probability <= 1


def test_the_order_of_examples_changes_nothing() -> None:
    pairs = [(text, route) for route in ("a", "b", "c") for text in drawn.texts(route, 8)]

    first, second = (file.to_bytes(learn(gathered(each), reject=0.05)) for each in (pairs, pairs[::-1]))

    assert first == second


def test_with_vectors_it_understands_what_words_do_not_tell() -> None:
    examples = gathered((f"text {number} of nothing in particular", f"r{number % 4}") for number in range(80))
    router = _router(learn(examples, reject=0.05, vectors=unit_vectors(examples), encoder="test"))

    guess = router.understand("something never said before", [0, 0, 1.0, 0, 0, 0, 0, 0])
    strange = router.understand("something never said before", [0, 0, 0, 0, 0, 0, 0, 1.0])

    assert guess.route == "r2"
    assert guess.in_scope
    assert not router.read("something never said before").is_sure
    assert not strange.in_scope


def test_words_that_are_sure_enough_are_as_often_right_as_both_together() -> None:
    examples = drawn.examples(4, 40)
    router = _router(learn(examples, reject=0.05, vectors=unit_vectors(examples), encoder="test"))

    sure = [
        (guess, route)
        for route in router.routes
        for guess in map(router.read, drawn.texts(route, 25, seed=9))
        if guess.is_sure
    ]

    assert len(sure) >= 20
    assert all(guess.route == route for guess, route in sure)


def test_vectors_of_another_encoder_are_refused() -> None:
    examples = drawn.examples(2, 5)
    router = _router(learn(examples, reject=0.05, vectors=unit_vectors(examples), encoder="test"))

    with pytest.raises(ValueError, match="other vectors"):
        router.understand("hello", [1.0, 0.0])


@pytest.mark.parametrize(("routes", "each"), [(1, 1), (1, 5), (2, 1), (3, 2), (5, 3)])
def test_few_examples_are_enough_to_say_something(routes: int, each: int) -> None:
    examples = drawn.examples(routes, each)
    router = _router(learn(examples, reject=0.05, vectors=unit_vectors(examples), encoder="test"))

    for text, label in zip(examples.texts, examples.labels, strict=True):
        assert router.read(text).route == examples.routes[label]
        assert router.read(text).in_scope
    for vector, label in zip(unit_vectors(examples, seed=5), examples.labels, strict=True):
        assert router.understand("unheard of", vector.tolist()).route == examples.routes[label]


def test_there_is_nothing_to_learn_from_nothing() -> None:
    with pytest.raises(ValueError, match="no examples"):
        learn(gathered([]), reject=0.05)


def test_progress_is_told_to_the_end() -> None:
    heard: list[tuple[int, int]] = []

    learn(drawn.examples(2, 6), reject=0.05, tell=lambda done, total: heard.append((done, total)))

    assert heard[0] == (0, 7)
    assert heard[-1] == (7, 7)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_a_file_says_what_the_router_said_and_one_flipped_byte_is_refused(tmp_path: Path) -> None:
    learned = learn(drawn.examples(3, 10), reject=0.05)
    path = str(tmp_path / "router.safetensors")
    file.write(path, learned)
    kept = load(path)

    assert kept.read("tubami sal").probabilities == _router(learned).read("tubami sal").probabilities
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    with pytest.raises(InputError):
        load(path)


def test_what_is_another_thing_is_no_router(tmp_path: Path) -> None:
    path = str(tmp_path / "odd.safetensors")
    file.write(path, Learned(kind="router", about={"routes": ["a"]}))

    with pytest.raises(InputError, match="holds no router"):
        load(path)


def test_reading_a_prompt_needs_no_numpy(tmp_path: Path) -> None:
    examples = drawn.examples(3, 10)
    path = str(tmp_path / "router.safetensors")
    file.write(path, learn(examples, reject=0.05, vectors=unit_vectors(examples), encoder="test"))
    code = (
        "import sys, json\nfrom synapse_cli.routing.router import load\n"
        f"router = load({path!r})\nrouter.read('hello')\nrouter.understand('hello', [1.0] + [0.0] * 7)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert not {"numpy", "sklearn", "pydantic"} & set(json.loads(done.stdout))
