"""The shipped GGUF is small, says where it comes from, and splits text as its trainer did."""

from __future__ import annotations

from pathlib import Path

import pytest

import synapse_cli
from synapse_cli.backends.gguf import read_header

SHIPPED = Path(synapse_cli.__file__).parent / "backends" / "nano" / "nano.gguf"
MOST_BYTES = 16_000_000


def test_the_file_is_small_enough_to_ship() -> None:
    assert SHIPPED.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize(
    "key",
    [
        "general.name",
        "general.license",
        "synapse.nano.version",
        "synapse.nano.data_sha256",
        "synapse.nano.seed",
        "synapse.nano.steps",
        "synapse.nano.sources",
        "synapse.abstain_token_id",
        "synapse.contextual_calibration",
        "tokenizer.chat_template",
    ],
)
def test_the_file_carries_its_provenance(key: str) -> None:
    assert key in read_header(str(SHIPPED)).metadata
