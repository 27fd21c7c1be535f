"""Whatever stands in a lock, an alias file or a provider's list: it is read, or refused in our own words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.backends import catalog_hosted, catalog_lock
from synapse_cli.backends.catalog_lock import File, Pin, Pinned
from synapse_cli.core.errors import SynapseError
from synapse_cli.profile import aliases

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_KEYS = st.sampled_from(
    (
        *("schema", "pins", "files", "former", "revision", "licence", "name", "sha256", "size", "id", "pricing"),
        *("prompt", "completion", "context_length", "data", "models", "endpoints", "meta", "x"),
        "supportedGenerationMethods",
    )
)
JSON = st.recursive(_PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4))
_SHA = st.text("0123456789abcdef", min_size=64, max_size=64)
_FILES = st.builds(File, st.from_regex(r"[a-z/]{1,9}\.gguf", fullmatch=True), _SHA, st.integers(0, 10**13))
_PINS = st.builds(
    Pin, st.none() | _SHA, st.lists(_FILES, min_size=1, max_size=3).map(tuple), st.none() | st.just("mit")
)
_PINNED = st.builds(Pinned, _PINS, st.lists(_PINS, max_size=3).map(tuple))
_QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_STATE_DIR", str(tmp_path / "state"))


def _refusal(read: Callable[[], object]) -> str:
    """What was said where it was refused."""
    try:
        read()
    except SynapseError as error:
        return error.message
    return ""


def _look(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
    said = _refusal(lambda: catalog_lock.read(str(path)))
    assert not said or str(path) in said


@_QUICK
@given(JSON)
def test_a_lock_is_read_or_refused(tmp_path: Path, value: object) -> None:
    _look(tmp_path / "x.lock", value)


@_QUICK
@given(JSON)
def test_a_lock_with_one_wrong_pin_is_read_or_refused(tmp_path: Path, value: object) -> None:
    _look(tmp_path / "x.lock", {"schema": 1, "pins": {"hf:a/b": value}})
    _look(tmp_path / "x.lock", {"schema": 1, "pins": {"hf:a/b": {"files": [value]}}})


@settings(_QUICK, max_examples=20)
@given(st.dictionaries(st.text(min_size=1, max_size=20), _PINNED, max_size=4))
def test_what_is_pinned_is_read_back_and_written_the_same(tmp_path: Path, pins: dict[str, Pinned]) -> None:
    path = str(tmp_path / "x.lock")
    for source, pinned in pins.items():
        catalog_lock.change(path, source, lambda _old, new=pinned: new)

    first = Path(path).read_bytes() if pins else b""
    for source, pinned in reversed(pins.items()):
        catalog_lock.change(path, source, lambda _old, new=pinned: new)

    assert catalog_lock.read(path) == pins
    assert (Path(path).read_bytes() if pins else b"") == first
    if os.path.exists(path):
        os.unlink(path)


@given(_PINNED, st.lists(_PINS, min_size=1, max_size=8))
def test_moving_on_keeps_what_was_before_and_not_without_end(pinned: Pinned, moves: list[Pin]) -> None:
    for pin in moves:
        before = pinned
        pinned = pinned.moved_to(pin)
        assert pinned.pin == pin
        assert before.pin.files == pin.files or pinned.former[0] == before.pin
        assert all(former.files != pin.files for former in pinned.former) or before.pin.files == pin.files
        assert len(pinned.former) <= max(5, len(before.former))


@_QUICK
@given(JSON)
def test_aliases_are_read_or_refused(tmp_path: Path, value: object) -> None:
    env = {"SYNAPSE_CONFIG_DIR": str(tmp_path)}
    (tmp_path / "aliases.json").write_text(json.dumps(value), encoding="utf-8")
    said = _refusal(lambda: aliases.known(env))
    assert "aliases.json" in said if said else aliases.known(env) == value


@given(st.sampled_from(catalog_hosted.providers()), st.dictionaries(_KEYS, JSON, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_entry_of_a_list_is_read_or_passed_over(provider: str, entry: dict[str, object]) -> None:
    found = catalog_hosted.read_entry(provider, entry)

    assert found is None or found.name
