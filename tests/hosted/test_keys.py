"""Where a key comes from, and where it never goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.control import Control
from synapse_cli.core.errors import KeyMissing, NotAllowed, SynapseError
from synapse_cli.guard.secrets import COMMAND_TIMEOUT_S, _from_command, key_source, read_key, read_keys
from synapse_cli.profile.model import Model
from tests.hosted.site import CANARY, QUESTION, Site


def _model(*keys: str, **changes: object) -> Model:
    values = {"name": "mini", "backend": "litellm", "model": "openai/gpt-5-mini", "keys": keys}
    return Model(**{**values, **changes})  # type: ignore[arg-type]


class MemoryKeyring(KeyringBackend):
    """A keyring of this test, through keyring's own interface."""

    priority = 1  # type: ignore[assignment]  # keyring reads it as a plain number

    def get_password(self, service: str, username: str) -> str | None:
        return CANARY if (service, username) == ("synapse/test", "me") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def memory_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"  {CANARY}\nsecond line\n")
    return path


def test_a_key_comes_from_the_environment() -> None:
    assert read_key("env:MINE", {"MINE": f" {CANARY}\n"}) == CANARY


def test_a_key_comes_from_the_first_line_of_a_file(key_file: Path) -> None:
    assert read_key(f"file:{key_file}", {}) == CANARY


def test_a_key_comes_from_a_command_without_a_shell(tmp_path: Path) -> None:
    command = f"cmd:{sys.executable} -c 'print(\"{CANARY}\")' '$(touch {tmp_path}/ran)'"

    assert read_key(command, {}) == CANARY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("memory_keyring")
def test_a_key_comes_from_the_keyring() -> None:
    assert read_key("keyring:synapse/test/me", {}) == CANARY


def test_every_key_that_can_be_read_is_used_in_order(key_file: Path) -> None:
    model = _model("env:NONE", "env:MINE", f"file:{key_file}")

    assert read_keys(model, {"MINE": "sk-mine"}) == ("sk-mine", CANARY)


@pytest.mark.parametrize(
    ("model", "env", "keys"),
    [
        ("openai/gpt-5-mini", {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b"}, ("a",)),
        ("anthropic/claude-haiku-4-5", {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b"}, ("b",)),
        ("gemini/gemini-2.5-flash", {"GOOGLE_API_KEY": "g"}, ("g",)),
        ("gemini/gemini-2.5-flash", {"GOOGLE_API_KEY": "g", "GEMINI_API_KEY": "h"}, ("h",)),
        ("newcomer/model", {"NEWCOMER_API_KEY": "n"}, ("n",)),
        ("ollama_chat/qwen3", {}, ()),
        ("bedrock/anthropic.claude", {}, ()),
    ],
)
def test_without_keys_the_providers_own_variable_is_read(
    model: str, env: dict[str, str], keys: tuple[str, ...]
) -> None:
    assert read_keys(_model(model=model), env) == keys


def test_a_server_on_this_machine_gets_no_key_that_was_not_given_to_it() -> None:
    env = {"OPENAI_API_KEY": CANARY}

    assert read_keys(_model(base_url="http://127.0.0.1:8000/v1"), env) == ()
    assert read_keys(_model("env:OPENAI_API_KEY", base_url="http://127.0.0.1:8000/v1"), env) == (CANARY,)


BAD: dict[str, tuple[str, str]] = {
    "unset": ("env:NONE", "the variable NONE is not set"),
    "empty_variable": ("env:EMPTY", "the variable EMPTY is not set"),
    "no_file": ("file:/nowhere/key", "the key file /nowhere/key cannot be read: No such file or directory"),
    "folder": ("file:/tmp", "the key file /tmp is not a regular file"),
    "device": ("file:/dev/null", "the key file /dev/null is not a regular file"),
    "no_program": ("cmd:/nowhere/program", "the key command /nowhere/program cannot start: No such file or directory"),
    "empty_command": ("cmd:", "the key command is empty"),
    "open_quote": ("cmd:a 'b", "the key command cannot be split into words: No closing quotation"),
    "fails": (
        f"cmd:{sys.executable} -c 'import sys; sys.exit(\"locked\")'",
        f"the key command {sys.executable} failed with 1: locked",
    ),
    "says_nothing": (f"cmd:{sys.executable} -c ''", "the key from cmd:the command's output is empty"),
    "spaces": ("env:SPACED", "what env:SPACED gives is not a key: it has spaces or special characters"),
    "not_ascii": ("env:ACCENT", "what env:ACCENT gives is not a key: it has spaces or special characters"),
    "no_user": ("keyring:alone", "keyring:alone names no user"),
    "not_in_keyring": ("keyring:synapse/you", "the system keyring has nothing for synapse/you"),
    "no_such_source": ("vault:x", "a key has no source named 'vault'"),
}


@pytest.mark.usefixtures("memory_keyring")
@pytest.mark.parametrize("case", sorted(BAD))
def test_a_source_without_a_key_says_why(case: str) -> None:
    source, message = BAD[case]

    with pytest.raises(KeyMissing) as caught:
        read_key(source, {"EMPTY": " ", "SPACED": f"{CANARY} x", "ACCENT": f"{CANARY}é"})

    assert caught.value.message == message
    assert CANARY not in repr(caught.value) + caught.value.hint


def test_a_key_file_that_would_block_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(KeyMissing, match="not a regular file"):
        read_key(f"file:{tmp_path / 'pipe'}", {})


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(KeyMissing, match=r"took longer than 0\.3 s"):
        _from_command(f"{sys.executable} -c 'import time; time.sleep(60)'", {}, 0.3)


def test_a_command_has_ten_seconds() -> None:
    assert COMMAND_TIMEOUT_S == 10


def test_a_missing_key_names_the_variable_and_what_to_do() -> None:
    with pytest.raises(KeyMissing) as caught:
        read_keys(_model(), {})

    assert caught.value.message == "no key for openai: OPENAI_API_KEY is not set"
    assert caught.value.hint.startswith("export OPENAI_API_KEY=…")


def test_where_no_source_has_a_key_each_is_named() -> None:
    with pytest.raises(KeyMissing) as caught:
        read_keys(_model("env:ONE", "env:TWO"), {})

    assert caught.value.message == "no key for mini: the variable ONE is not set; the variable TWO is not set"


def test_a_command_runs_once_for_many_calls(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"open(r'{log}', 'a').write('x'); print('sk-a')"
    keys = key_source(_model(f'cmd:{sys.executable} -c "{script}"'), {})

    assert [keys(), keys(), keys()] == [("sk-a",)] * 3
    assert log.read_text() == "x"


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "https://e.example/v1"},
        {"base_url": "https://e.example/v1", "keys": ("env:OPENAI_API_KEY",)},
        {"base_url": "http://127.0.0.1:1/v1", "keys": ("env:OPENAI_API_KEY",)},
        {"keys": ("cmd:touch ran",)},
        {"keys": ("file:~/.ssh/id_rsa",)},
        {"keys": ("keyring:a/b",)},
    ],
)
def test_a_strangers_model_gets_no_key(
    changes: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotAllowed) as caught:
        read_keys(_model(**changes, trusted=False), {"OPENAI_API_KEY": CANARY})  # type: ignore[arg-type]

    assert "synapse trust" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


AMBIENT = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY")


def test_litellm_never_takes_a_key_from_the_environment_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AMBIENT:
        monkeypatch.setenv(name, CANARY)
    backend = LiteLLM(site.model(trusted=False))

    for emit in (None, lambda _: None):
        backend.complete(QUESTION, Control(), emit)

    assert len(site.server.seen) == 2
    assert CANARY not in repr(site.server.seen)


def test_a_strangers_address_gets_no_ambient_credentials() -> None:
    model = Model(
        name="b", backend="litellm", model="vertex_ai/gemini-2.5-flash", base_url="http://127.0.0.1:1", trusted=False
    )

    with pytest.raises(NotAllowed):
        LiteLLM(model).complete(QUESTION, Control())


def test_a_key_is_read_only_when_a_call_is_made(site: Site) -> None:
    asked: list[int] = []

    def keys() -> tuple[str, ...]:
        asked.append(1)
        raise KeyMissing("none")

    backend = LiteLLM(site.model(), keys=keys)
    backend.facts()
    assert asked == []
    with pytest.raises(SynapseError):
        backend.complete(QUESTION, Control())
    assert (asked, site.server.seen) == ([1], [])
