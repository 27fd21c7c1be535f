"""What only a process of its own can show: silence, Ctrl-C, a missing package, a stranger's .env."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from synapse_cli.backends.prices import package_folder
from tests.hosted.site import CANARY, DIALECTS, Site, open_site
from tests.servers.base import Reply

ROOT = Path(__file__).resolve().parents[2]
CALL = """
import json, sys
from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model

def call(model, url, how):
    backend = LiteLLM(Model(name="m", backend="litellm", model=model, base_url=url), keys=lambda: (key,))
    schema = '{"type": "object"}' if how == "schema" else None
    tools = ('{"name": "f", "parameters": {"type": "object", "properties": {}}}',) if how == "tools" else ()
    request = Request(messages=(Message("user", "hi"),), schema=schema, tools=tools)
    try:
        backend.complete(request, Control(), (lambda piece: None) if how == "stream" else None)
    except SynapseError as error:
        return int(error.exit_code)
    return 0

key = sys.stdin.readline()
try:
    codes = [call(*one) for one in json.loads(sys.argv[1])]
except KeyboardInterrupt:
    codes = [130]
raise SystemExit(max(codes))
"""
NOISE = {"LITELLM_LOG": "DEBUG", "OPENAI_LOG": "debug", "LITELLM_VERBOSE": "True"}


def _start(calls: list[tuple[Site, str]]) -> subprocess.Popen[str]:
    """A process that makes these calls in turn, and exits with the worst of their codes. Loading costs seconds."""
    models = [(site.model(), how) for site, how in calls]
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, json.dumps([(model.model, model.base_url, how) for model, how in models])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **NOISE},
    )
    assert process.stdin is not None
    process.stdin.write(CANARY)
    process.stdin.close()
    process.stdin = None
    return process


def test_calls_say_nothing_of_their_own() -> None:
    with ExitStack() as stack:
        sites = [stack.enter_context(open_site(name)) for name in DIALECTS]
        for site in sites:
            site.server.will(*[Reply(text="{}")] * 4, Reply(status=401, message="{key} is wrong"))
        process = _start([(site, how) for site in sites for how in ("", "stream", "schema", "tools", "stream")])

        assert process.communicate(timeout=300) == ("", "")
        assert process.returncode == 77
        assert [len(site.server.seen) for site in sites] == [5, 5, 5]


@pytest.mark.parametrize(
    "reply", [Reply(fault="hang"), Reply(pause_s=1.0, pieces=100, text="x" * 400)], ids=["hang", "drip"]
)
def test_ctrl_c_ends_a_wait(openai_site: Site, reply: Reply) -> None:
    openai_site.server.will(reply)
    process = _start([(openai_site, "stream")])
    _wait_until_asked(openai_site)

    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130


def test_litellm_reads_no_env_file_of_a_folder_above_it(tmp_path: Path, openai_site: Site) -> None:
    """A package that is installed inside a project would load the project's .env, and with it a stranger's address."""
    package = package_folder()
    assert package is not None
    nested = tmp_path / "venv"
    nested.mkdir()
    (nested / "litellm").symlink_to(package)
    for folder in (tmp_path, nested):
        (folder / ".env").write_text("SYNAPSE_TEST_LEAK=yes\n")
    code = (
        "import os; from synapse_cli.backends.litellm_package import package; package();"
        " print(os.environ.get('SYNAPSE_TEST_LEAK'), package().__file__)"
    )
    env = {**os.environ, "PYTHONPATH": f"{nested}:{ROOT}"}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=True
    )

    assert done.stdout.split() == ["None", str(nested / "litellm" / "__init__.py")]


def test_without_the_package_the_command_that_installs_it_is_named() -> None:
    code = """
import sys
sys.modules["litellm"] = None
from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.control import Control
from synapse_cli.core.errors import EngineMissing
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
backend = LiteLLM(Model(name="m", backend="litellm", model="openai/gpt-5-mini"), keys=lambda: ("k",))
try:
    backend.complete(Request(messages=(Message("user", "hi"),)), Control())
except EngineMissing as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout == "pip install 'litellm>=1.106.2,<1.107'\n"


def test_a_server_starts_from_a_command_line(tmp_path: Path) -> None:
    import urllib.request

    log = tmp_path / "log.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.openai", "--log", str(log), "--reply", '{"text": "from a script"}'],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/chat/completions",
            data=b'{"model": "x"}',
            headers={"Authorization": "Bearer k"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            said = json.load(answer)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()

    assert said["choices"][0]["message"]["content"] == "from a script"
    assert json.loads(log.read_text())["body"] == {"model": "x"}


def _wait_until_asked(site: Site) -> None:
    deadline = time.monotonic() + 300
    while not site.server.seen:
        assert time.monotonic() < deadline, "the server was never asked"
        time.sleep(0.05)
    time.sleep(0.2)
