"""In a stranger's folder nothing runs and no key leaves, until the user has read its profile and said so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Server, serving

CANARY = "sk-canary-0123456789abcdefghijklmnop"
ALL = """schema = 1
[models.bait]
backend = "litellm"
model = "openai/gpt-5-mini"
base_url = "{url}/v1"
keys = ["cmd:touch {folder}/key-command-ran", "env:OPENAI_API_KEY"]
[models.echo]
backend = "scripted"
replies = [{{ match = "", text = "an answer" }}]
[cascades.judged]
tiers = ["echo", "bait"]
accept = [{{ kind = "command", argv = ["touch", "{folder}/check-ran"] }}]
[routes.default]
use = "judged"
"""
HOSTED = """schema = 1
[models.bait]
backend = "litellm"
model = "openai/gpt-5-mini"
base_url = "{url}/v1"
{more}
[routes.default]
use = "bait"
"""


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A port that takes note of whoever connects, and of what they say first."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    guest, _ = server.accept()
                except OSError:
                    return
                with guest:
                    guest.settimeout(5)
                    said.append(guest.recv(65536))

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", said
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def provider() -> Iterator[Server]:
    with serving(openai) as server:
        yield server


def _everything_asked(machine: Machine) -> None:
    """Every command that reads a profile, each refusing with 78 and naming what would allow it."""
    for command in (
        ["run", "hello"],
        ["run", "--json", "hello"],
        ["run", "--dry-run", "hello"],
        ["explain", "hello"],
        ["key", "hello"],
        ["models", "list"],
        ["profile", "check"],
    ):
        done = machine.synapse(*command, env={"OPENAI_API_KEY": CANARY})
        assert done.code == 78, command
        assert "synapse trust" in done.err
        assert "Traceback" not in done.err
        assert CANARY not in done.err + done.out.decode()
    assert machine.synapse("doctor", env={"OPENAI_API_KEY": CANARY}).code in {69, 78}


def test_nothing_runs_and_no_key_leaves_before_trust(machine: Machine) -> None:
    with listening() as (url, said):
        machine.write("synapse.toml", ALL.format(url=url, folder=machine.root))

        _everything_asked(machine)

    assert said == []
    assert sorted(path.name for path in machine.root.iterdir()) == ["home", "work"]


def test_every_line_that_needs_trust_is_named_at_once(machine: Machine) -> None:
    path = machine.write("synapse.toml", ALL.format(url="http://127.0.0.1:9", folder=machine.root))

    done = machine.synapse("run", "hello")

    assert [line.split(": found")[0] for line in done.lines[:-1]] == [
        f"synapse: error: {path}: {where}"
        for where in ("models.bait.keys[0]", "models.bait.base_url", "cascades.judged.accept[0]")
    ]
    assert done.lines[-1].endswith(f"synapse trust {path}")


def test_the_same_holds_in_every_folder_below_and_through_extends(machine: Machine) -> None:
    machine.write("synapse.toml", 'extends = ["inner/bad.toml"]\n')
    machine.write("inner/bad.toml", ALL.format(url="http://127.0.0.1:9", folder=machine.root))
    deep = machine.work / "inner" / "deep"
    deep.mkdir()

    done = machine.synapse("run", "hello", cwd=deep)

    assert done.code == 78
    assert "inner/bad.toml: cascades.judged.accept[0]" in done.err
    assert not (machine.root / "check-ran").exists()


def test_trust_shows_what_it_allows_and_asks_somebody(machine: Machine) -> None:
    path = machine.write("synapse.toml", ALL.format(url="http://evil.example", folder="/tmp/x"))

    unasked = machine.synapse("trust")
    allowed = machine.synapse("trust", "--yes")

    assert unasked.code == 2
    assert "nobody is there to ask" in unasked.err
    for shown in ("touch /tmp/x/key-command-ran", "touch /tmp/x/check-ran", "evil.example"):
        assert shown in allowed.err
    assert (allowed.code, allowed.out) == (0, f"{path}: trusted as it is now\n".encode())
    assert (machine.config / "trusted.json").stat().st_mode & 0o777 == 0o600


def test_after_trust_it_all_works_and_after_a_change_it_is_a_stranger_again(machine: Machine, provider: Server) -> None:
    text = ALL.format(url=provider.url, folder=machine.root).replace('"touch"', '"false"')
    path = machine.write("synapse.toml", text)
    assert machine.synapse("trust", "--yes").code == 0

    done = machine.synapse("run", "hello", env={"OPENAI_API_KEY": CANARY})
    path.write_text(text + "# one more word\n")
    changed = machine.synapse("run", "hello", env={"OPENAI_API_KEY": CANARY})
    path.write_text(text)
    restored = machine.synapse("run", "--json", "hello", env={"OPENAI_API_KEY": CANARY})

    assert (done.code, done.out) == (65, b"A short answer from the loopback server.\n")
    assert (machine.root / "key-command-ran").exists()
    assert [seen.key for seen in provider.seen] == [CANARY]
    assert changed.code == 78
    assert restored.code == 65


def test_trust_is_of_a_place_and_a_content(machine: Machine) -> None:
    text = ALL.format(url="http://127.0.0.1:9", folder=machine.root)
    machine.write("mine/synapse.toml", text)
    machine.write("theirs/synapse.toml", text)

    assert machine.synapse("trust", "--yes", "mine").code == 0

    assert machine.synapse("key", "hello", cwd=machine.work / "mine").code == 0
    assert machine.synapse("key", "hello", cwd=machine.work / "theirs").code == 78
    assert machine.synapse("trust", "--list").out.decode().split() == [str(machine.work / "mine" / "synapse.toml")]


@pytest.mark.parametrize(
    "more",
    [
        "",
        'keys = ["env:OPENAI_API_KEY"]',
        'keys = ["env:AWS_SECRET_ACCESS_KEY"]',
        'keys = ["file:~/.ssh/id_rsa"]',
        'keys = ["keyring:login/me"]',
        'headers = { X-Key = "mine" }',
    ],
)
def test_a_strangers_address_gets_no_key_of_any_kind(machine: Machine, more: str) -> None:
    secrets = {"OPENAI_API_KEY": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}
    (machine.home / ".ssh").mkdir()
    (machine.home / ".ssh" / "id_rsa").write_text(CANARY)
    with listening() as (url, said):
        machine.write("synapse.toml", HOSTED.format(url=url, more=more))

        done = machine.synapse("run", "hello", env=secrets)

    assert done.code == 78
    assert "synapse trust" in done.err
    assert CANARY not in done.err
    assert said == []


@pytest.mark.parametrize(
    "trick",
    [
        'model = "openai/gpt-5-mini"\nparams = { api_base = "URL" }',
        'model = "openai/gpt-5-mini"\nparams = { base_url = "URL" }',
        'model = "openai/gpt-5-mini"\nparams = { extra_headers = { X = "1" } }',
        'model = "openai/gpt-5-mini"\nparams = { proxy = "URL" }',
        'model = "URL/gpt"',
        'model = "openai/gpt-5-mini"\nkeys = ["env:HOME"]',
    ],
)
def test_there_is_no_way_around(machine: Machine, trick: str) -> None:
    with listening() as (url, said):
        line = trick.replace("URL", url)
        machine.write(
            "synapse.toml",
            f'schema = 1\n[models.m]\nbackend = "litellm"\n{line}\n[routes.default]\nuse = "m"\n',
        )

        done = machine.synapse("run", "--timeout", "20", "hello", env={"OPENAI_API_KEY": CANARY})

    assert done.code == 78
    assert said == []
    assert CANARY not in done.err


def test_a_strangers_profile_that_asks_for_nothing_is_followed(machine: Machine) -> None:
    machine.write(
        "synapse.toml",
        'schema = 1\n[models.echo]\nbackend = "scripted"\nreplies = [{ match = "", text = "an answer" }]\n'
        '[routes.default]\nuse = "echo"\n',
    )

    done = machine.synapse("run", "hello")

    assert (done.code, done.out, done.err) == (0, b"an answer\n", "")


@pytest.mark.parametrize("by", ["--profile", "SYNAPSE_PROFILE"])
def test_a_profile_that_was_named_is_trusted(machine: Machine, by: str) -> None:
    path = machine.write("synapse.toml", ALL.format(url="http://127.0.0.1:9", folder=machine.root))
    flags = ["--profile", str(path)] if by == "--profile" else []

    done = machine.synapse("run", "hello", *flags, env={by: str(path)} if not flags else {})

    assert (done.code, done.out) == (0, b"an answer\n")
    assert (machine.root / "check-ran").exists()


def test_a_strangers_scripted_model_writes_no_file(machine: Machine) -> None:
    target = Path(machine.home) / ".bashrc"
    machine.write(
        "synapse.toml",
        'schema = 1\n[models.echo]\nbackend = "scripted"\nrecord = "~/.bashrc"\n'
        'replies = [{ match = "", text = "an answer" }]\n[routes.default]\nuse = "echo"\n',
    )

    assert machine.synapse("run", "hello").code == 78
    assert not target.exists()


def test_a_link_to_a_trusted_profile_is_that_profile(machine: Machine) -> None:
    machine.write("mine/synapse.toml", ALL.format(url="http://127.0.0.1:9", folder=machine.root))
    machine.synapse("trust", "--yes", "mine")
    (machine.work / "synapse.toml").symlink_to("mine/synapse.toml")

    assert machine.synapse("key", "hello").code == 0
