"""Hosts live in private folders, under names that every system can hold, apart for whatever changes what they do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from synapse_cli.backends.host.kind import environment, kind_of, place_of
from synapse_cli.backends.host.place import LONGEST_SOCKET, folder
from synapse_cli.profile.model import Model


@pytest.fixture
def env(tmp_path: Path, runtime: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), "PATH": "/bin", "LANG": "C.UTF-8"}


def test_the_runtime_folder_is_taken_where_there_is_one(env: dict[str, str], runtime: Path) -> None:
    found = folder(env)

    assert found.startswith(f"{runtime}/synapse/")
    assert os.stat(found).st_mode & 0o777 == 0o700


def test_without_one_it_is_the_state_folder(env: dict[str, str], runtime: Path) -> None:
    env.update(XDG_RUNTIME_DIR="", SYNAPSE_STATE_DIR=str(runtime / "state"))

    assert folder(env).startswith(f"{runtime}/state/hosts/")


def test_a_home_that_is_too_deep_for_a_socket_is_left_for_a_short_folder(env: dict[str, str], runtime: Path) -> None:
    env.update(XDG_RUNTIME_DIR="", TMPDIR=str(runtime), SYNAPSE_STATE_DIR=f"/tmp/{'deep/' * 30}")

    place = place_of("litellm", env)

    assert place.folder.startswith(f"{runtime}/synapse-{os.getuid()}/")
    assert len(place.socket) <= LONGEST_SOCKET
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place.socket)


def test_a_folder_that_others_may_enter_is_not_used(env: dict[str, str], runtime: Path) -> None:
    (runtime / "synapse").mkdir(mode=0o755)
    env["SYNAPSE_STATE_DIR"] = str(runtime / "state")

    assert folder(env).startswith(f"{runtime}/state/hosts/")


def test_a_link_in_the_place_of_the_folder_is_not_followed(env: dict[str, str], runtime: Path) -> None:
    (runtime / "elsewhere").mkdir(mode=0o700)
    (runtime / "synapse").symlink_to(runtime / "elsewhere")
    env["SYNAPSE_STATE_DIR"] = str(runtime / "state")

    assert folder(env).startswith(f"{runtime}/state/hosts/")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "AWS_PROFILE", "OPENAI_BASE_URL"])
def test_hosted_models_share_a_host_only_with_the_same_network(env: dict[str, str], name: str) -> None:
    other = {**env, name: "/elsewhere"}

    assert place_of("litellm", other).name != place_of("litellm", env).name
    assert place_of("local", other).name == place_of("local", env).name
    assert environment("litellm", other)[name] == "/elsewhere"
    assert name not in environment("local", other)


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "GGML_METAL_PATH"])
def test_local_models_share_a_host_only_with_the_same_devices(env: dict[str, str], name: str) -> None:
    other = {**env, name: "1"}

    assert place_of("local", other).name != place_of("local", env).name
    assert place_of("litellm", other).name == place_of("litellm", env).name


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AZURE_API_KEY", "GOOGLE_API_KEY", "PS1", "MY_SECRET"])
def test_keys_and_whatever_else_are_not_inherited_and_change_nothing(env: dict[str, str], name: str) -> None:
    other = {**env, name: "sk-secret"}

    for kind in ("local", "litellm"):
        assert place_of(kind, other) == place_of(kind, env)
        assert name not in environment(kind, other)


@pytest.mark.parametrize("name", ["SYNAPSE_STATE_DIR", "SYNAPSE_CACHE_DIR", "SYNAPSE_CONFIG_DIR", "SYNAPSE_MODELS_DIR"])
def test_other_folders_have_other_hosts(env: dict[str, str], name: str) -> None:
    assert folder({**env, name: "/elsewhere"}) != folder(env)


def test_only_engines_live_in_hosts() -> None:
    kinds = {
        name: kind_of(Model(name="m", backend=name)) for name in ("llama.cpp", "litellm", "scripted", "of-a-plugin")
    }

    assert kinds == {"llama.cpp": "local", "litellm": "litellm", "scripted": None, "of-a-plugin": None}
