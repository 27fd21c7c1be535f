"""A machine of its own, a loopback hub, and GGUF files that are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.tiny_gguf import write
from tests.models.splitting import split_in_two
from tests.models.tools import User
from tests.servers.hub import Hub, hub


@pytest.fixture
def the_hub() -> Iterator[Hub]:
    with hub() as server:
        yield server


@pytest.fixture
def user(tmp_path: Path, the_hub: Hub) -> User:
    """An empty machine whose hub is the loopback one."""
    return User(tmp_path, the_hub)


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model of half a megabyte that loads and knows nothing."""
    return write(tmp_path_factory.mktemp("gguf") / "tiny.gguf", seed=1).read_bytes()


@pytest.fixture(scope="session")
def newer_gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Another of the same shape."""
    return write(tmp_path_factory.mktemp("gguf") / "tiny.gguf", seed=2).read_bytes()


@pytest.fixture(scope="session")
def split(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same in two parts, as llama-gguf-split makes them."""
    return split_in_two(write(tmp_path_factory.mktemp("split") / "whole.gguf", seed=3), "big")


@pytest.fixture
def https_hub(tmp_path: Path, user: User) -> Iterator[Hub]:
    """A server with a certificate of its own authority, which the user's environment trusts."""
    import ssl
    import subprocess

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    user.env["SSL_CERT_FILE"] = str(certificate)
    user.env["HF_TOKEN"] = "hf_right"
    with hub(context) as server:
        yield server
