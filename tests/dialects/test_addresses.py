"""Where requests go that no profile sends elsewhere, and what a machine's own proxy and authorities do to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from synapse_cli.backends.litellm_package import client
from tests.dialects.dialects import DIALECTS
from tests.dialects.place import CANARY
from tests.servers.base import Reply, Seen, serving
from tests.servers.proxy import Asked, make_certificates, proxying

ROOT = Path(__file__).resolve().parents[2]
AT_HOME = [dialect for dialect in DIALECTS if dialect.home]
HOSTS = sorted({urlsplit(dialect.home).hostname or "" for dialect in AT_HOME} | {"127.0.0.1"})
CALLS = """
import json, os, sys
from pathlib import Path
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.profile.load import load

path = Path(sys.argv[1])
profile = load(str(path), cwd=path.parent, env=os.environ, witness=Witness(), use_compiled=False)
for name in profile.models:
    ask = Ask(prompt="hi", words="hi", model=name, cache="off", log=False, hosts=False)
    best = step(Session(profile, ask, Witness()), lambda _: None).outcome.best
    print(name, best and best.completion.text)
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, Path]]:
    return make_certificates(tmp_path_factory.mktemp("authority"), HOSTS)


def test_a_provider_is_asked_at_its_own_address_through_the_users_proxy_and_authority(
    tmp_path: Path, certificates: tuple[Path, tuple[Path, Path]]
) -> None:
    by_host = {urlsplit(dialect.home).hostname: dialect for dialect in AT_HOME}

    def answer(asked: Asked) -> dict[str, object]:
        dialect = by_host[asked.host.partition(":")[0]]
        found: dict[str, object] = dialect.server.whole(Reply(text="Lima"), Seen(asked.path, {}, asked.body, ""))
        return found

    profile = tmp_path / "synapse.toml"
    tables = [
        f'[models."{dialect.name}"]\nbackend = "litellm"\nmodel = "{dialect.model}"\nkeys = ["env:DIALECT_KEY"]'
        for dialect in AT_HOME
    ]
    profile.write_text("\n".join(["schema = 1", *tables, "[routes.default]", 'use = "OpenAI"', ""]))
    with proxying(answer, certificates[1]) as proxy:
        trust = {"HTTPS_PROXY": proxy.url, "REQUESTS_CA_BUNDLE": str(certificates[0]), "NO_PROXY": ""}
        env = {**_without_network(), **trust, "DIALECT_KEY": CANARY, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", CALLS, str(profile)], capture_output=True, text=True, env=env, check=False
        )

    assert done.stdout.splitlines() == [f"{dialect.name} Lima" for dialect in AT_HOME], done.stderr
    assert [_address(asked) for asked in proxy.asked] == [dialect.home for dialect in AT_HOME]
    assert all(CANARY in json.dumps(asked.headers) for asked in proxy.asked)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted(
    variable: str, certificates: tuple[Path, tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_network(monkeypatch)
    monkeypatch.setenv(variable, str(certificates[0]))
    with proxying(lambda _: {"trusted": True}, certificates[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

        said = client().client.get("https://api.openai.com/v1/models").json()

    assert (said, proxy.asked[0].host) == ({"trusted": True}, "api.openai.com:443")


def test_an_authority_that_nobody_named_is_not_trusted(
    certificates: tuple[Path, tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    _forget_network(monkeypatch)
    with proxying(lambda _: {}, certificates[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client().client.get("https://api.openai.com/v1/models")

    assert proxy.asked == []


def test_what_is_asked_in_clear_goes_through_http_proxy_but_not_to_hosts_that_are_exempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _forget_network(monkeypatch)
    with proxying(lambda asked: {"for": asked.host}) as proxy, serving(DIALECTS[0].server) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        asking = client().client
        said = asking.post("http://models.internal:8000/v1/chat/completions", json={}).json()
        direct = asking.post(f"{server.url}/v1/chat/completions", json={"model": "m"}).json()

    assert (said, len(proxy.asked)) == ({"for": "models.internal:8000"}, 1)
    assert direct["object"] == "chat.completion"


def _address(asked: Asked) -> str:
    return f"https://{asked.host.removesuffix(':443')}{asked.path}"


def _without_network() -> dict[str, str]:
    names = (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    )
    return {name: value for name, value in os.environ.items() if name.upper() not in names}


def _forget_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(_without_network()):
        monkeypatch.delenv(name)
