"""An encoder as a tier: it labels closed sets by likeness, says how sure it is, and is not asked anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synapse_cli.backends.encoder import EncoderTier, asked
from synapse_cli.backends.prototypes import FILE, likeness, spoken
from synapse_cli.backends.subject import subject
from synapse_cli.cascade.metered import Metered
from synapse_cli.core.budget import Budget, Meter
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Unsuited, UsageError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.lab.encoder_tier import MINILM, by_encoder, items
from synapse_cli.lab.nano.evaluate import DEV
from synapse_cli.profile.draft import nano_threshold
from synapse_cli.profile.model import Model

HELD_OUT = Path(__file__).parents[1] / "nano" / "held_out.jsonl"


def request(prompt: str, *choices: str, system: str | None = None, schema: object = None) -> Request:
    messages = (*([Message("system", system)] if system else ()), Message("user", prompt))
    return Request(messages=messages, choices=choices, schema=None if schema is None else json.dumps(schema))


@pytest.fixture
def tier(at_hand: Path) -> EncoderTier:
    return EncoderTier(MINILM)


@pytest.mark.parametrize(("file", "least", "accepted"), [(DEV, 56, 36), (HELD_OUT, 110, 68)], ids=["dev", "held out"])
def test_nine_in_ten_of_what_passes_the_shipped_threshold_are_right(
    tier: EncoderTier, file: Path, least: int, accepted: int
) -> None:
    """Measured: 59 of 65 asked and 40 of 40 accepted on dev.jsonl; 118 of 140 and 73 of 75 on held_out.jsonl."""
    heard = by_encoder(items(file.read_text(encoding="utf-8").splitlines()), tier)

    passed = [each for each in heard if each.confidence >= nano_threshold()]
    assert sum(each.right for each in heard) >= least
    assert len(passed) >= accepted
    assert sum(each.right for each in passed) >= 0.9 * len(passed)
    assert not any(each.open for each in passed)


def test_the_answer_is_a_label_in_its_declared_spelling(tier: EncoderTier) -> None:
    labels = ("Order_Status", "cancelSubscription", "Lob & Tadel")

    made = tier.complete(request("Where is my parcel? I ordered a week ago.", *labels), Control())

    assert made.text == "Order_Status"
    assert made.confidence is not None
    assert 1 / 3 <= made.confidence <= 1
    assert made.cost == 0


def test_a_schema_that_is_an_enumeration_is_answered_as_json(tier: EncoderTier) -> None:
    made = tier.complete(request("The app crashes at start", schema={"enum": ["billing", "bug"]}), Control())

    assert json.loads(made.text) == "bug"


def test_labels_that_the_prompt_or_the_system_prompt_names_are_enough(tier: EncoderTier) -> None:
    named = tier.complete(request("Classify as sports, cooking or law\n\nStir the soup for an hour."), Control())
    told = tier.complete(request("Stir the soup.", system="Classify the text as sports, cooking or law."), Control())

    assert (named.text, told.text) == ("cooking", "cooking")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (request("Why is the sky blue?"), "names no labels"),
        (request("Is the sky blue?", "yes", "no"), "no text is like"),
        (request("How many stars?\n\nNice place", "1", "2", "3"), "no text is like"),
        (request("Which?\n\nA text", "a", "b"), "no text is like"),
        (request("Name and age", schema={"type": "object"}), "no enumeration"),
        (request("about " * 2000, "sports", "law"), "too long"),
        (Request(messages=(Message("user", "x"),), choices=("law", "art"), grammar='root ::= "x"'), "grammar"),
        (request("   ", "sports", "law"), "no text"),
    ],
)
def test_what_likeness_cannot_answer_is_not_asked_and_nothing_is_loaded(wanted: Request, why: str) -> None:
    tier = EncoderTier(Model(name="m", backend="encoder", source="file:/nowhere.gguf"))

    with pytest.raises(Unsuited, match=why):
        tier.complete(wanted, Control())


def test_an_empty_label_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        asked(request("a text", "sports", " "))


def test_a_call_that_was_not_made_takes_no_step_of_the_budget() -> None:
    tier = EncoderTier(Model(name="m", backend="encoder", source="file:/nowhere.gguf"))
    meter = Meter(Budget(steps=1))

    for _ in range(3):
        with pytest.raises(Unsuited):
            Metered(tier, meter).complete(request("Why?"), Control())

    assert meter.gone.steps == 0


@pytest.mark.parametrize(
    ("prompt", "labels", "text"),
    [
        ('Is this review positive or negative? "The soup came cold."', "positive negative", "The soup came cold."),
        ("Classify this: The hinge creaks.", "good bad", "Classify this: The hinge creaks."),
        ("Label as good, bad or mixed: The hinge creaks.", "good bad mixed", "The hinge creaks."),
        ("It did not hurt.\n\nIs the patient pleased or angry?", "pleased angry", "It did not hurt."),
        ("Thumbs up or thumbs down?\n\nzipper broke", "thumbs up,thumbs down", "zipper broke"),
        ("Priority? low, high\n\nFile: t.txt\n```\nAll is down!\n```", "low high", "All is down!"),
        (
            "Classify by topic\nChoices:\n- football\n- cinema\n\nThe match ended.",
            "football cinema",
            "The match ended.",
        ),
        ("Name the task.\nLabels: code, chat\n\nRequest:\nhello", "code chat", "hello"),
        ("Animal, vehicle or instrument: oboe", "animal vehicle instrument", "oboe"),
        ("only a text", "law art", "only a text"),
        ("Dear Ann,\n\nthe bill is wrong.\n\nYours, Bo", "law art", "Dear Ann,\n\nthe bill is wrong.\n\nYours, Bo"),
        ("a or b", "a b", "a or b"),
        ("", "a b", ""),
    ],
)
def test_the_text_is_what_is_left_of_a_prompt_without_its_instruction(prompt: str, labels: str, text: str) -> None:
    assert subject(prompt, labels.split("," if "," in labels else " ")) == text


def test_labels_are_read_as_they_are_spoken() -> None:
    assert [spoken(label) for label in ("cancelSubscription", "ORDER_STATUS", "thank-you note", "!")] == [
        "cancel subscription",
        "order status",
        "thank you note",
        "!",
    ]


def test_prototypes_know_common_labels_and_only_those(tier: EncoderTier) -> None:
    import numpy as np

    text = np.ones(384, dtype=np.float32) / 384**0.5

    assert likeness(["positive", "NEG", "good"], text) is not None
    assert likeness(["positive", "qwertz"], text) is None
    assert Path(FILE).stat().st_size < 200_000


def test_any_encoder_can_be_a_tier(tmp_path: Path) -> None:
    from tests.encoders.tiny_encoders import bert

    tier = EncoderTier(Model(name="m", backend="encoder", source=f"file:{bert(tmp_path / 'm.gguf')}"))

    made = tier.complete(request("the cat sat", "cat", "dog world"), Control())

    assert made.text in {"cat", "dog world"}
    assert tier.facts().is_local


def test_one_file_as_a_tier_and_as_a_chat_model_are_two_things_to_the_cache(tmp_path: Path) -> None:
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session
    from synapse_cli.profile.model import Profile
    from tests.local.tiny_gguf import write

    source = f"file:{write(tmp_path / 'm.gguf')}"
    profile = Profile(name="p", path="", hash="", models={}, routes={}, cascades={}, templates={})
    session = Session(profile, Ask(prompt=""), Witness())
    ways = [
        Model(name="m", backend="llama.cpp", source=source),
        Model(name="m", backend="encoder", source=source),
        Model(name="m", backend="encoder", source=source, pooling="cls"),
    ]

    assert len({session.request_key(way, request("a text", "law", "art")) for way in ways}) == 3
