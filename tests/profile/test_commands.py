"""`synapse profile …`, `synapse init`: the real commands."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from synapse_cli.profile.draft import draft
from synapse_cli.profile.survey import Gguf, Survey, _walk, ollama_address, survey

GOOD = '[models.m]\nbackend = "llama.cpp"\nsource = "builtin:nano"\n[routes.default]\nuse = "m"\n'


@contextmanager
def ollama(answer: bytes) -> Iterator[str]:
    """A server on loopback that says which models it has."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gguf(path: Path, size: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF" + b"\0" * size)
    return path


def test_list_marks_the_one_that_run_would_follow(user):
    path = user.write("synapse.toml", GOOD)

    plain = user.synapse("profile", "list")
    rows = json.loads(user.synapse("profile", "list", "--json").stdout)
    lines = user.synapse("profile", "list", "--jsonl").stdout.splitlines()

    assert plain.stdout.splitlines()[0].split() == ["*", "project", "project", str(path)]
    assert rows[0] == {"name": "project", "path": str(path), "origin": "project", "active": True}
    assert [json.loads(line) for line in lines] == rows
    assert sum(row["active"] for row in rows) == 1
    assert {"default", "demo", "hosted", "offline", "thrifty"} <= {row["name"] for row in rows}


def test_path_names_the_file(user):
    path = user.write("synapse.toml", GOOD)

    assert user.synapse("profile", "path").stdout == f"{path}\n"
    assert user.synapse("profile", "path", "offline").stdout.endswith("/offline.toml\n")


def test_check_says_that_a_profile_is_right(user):
    path = user.write("synapse.toml", GOOD)

    done = user.synapse("profile", "check")

    assert (done.returncode, done.stdout) == (0, f"{path}: ok (1 model, 1 route, 0 cascades)\n")


def test_show_prints_what_takes_effect_and_it_is_a_profile_again(user):
    user.write("base.toml", GOOD.replace("builtin:nano", "file:m.gguf"))
    headers = '[models.h]\nbackend = "litellm"\nmodel = "a/b"\nheaders = { token = "canary" }\n'
    path = user.write("sub/top.toml", f'extends = ["../base.toml"]\n{headers}')

    shown = user.synapse("profile", "show", str(path)).stdout
    table = json.loads(user.synapse("profile", "show", str(path), "--json").stdout)
    again = user.load(user.write("again.toml", shown))

    assert "canary" not in shown + json.dumps(table)
    assert table["models"]["m"]["source"] == f"file:{user.project}/m.gguf"
    assert again.models["m"].source == f"file:{user.project}/m.gguf"


def test_schema_accepts_the_shipped_profiles_and_refuses_a_typo(user):
    import tomllib

    import jsonschema

    from synapse_cli.profile.find import shipped_folder

    schema = json.loads(user.synapse("profile", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in Path(shipped_folder()).glob("*.toml"):
        assert [error.message for error in validator.iter_errors(tomllib.loads(path.read_text()))] == []

    assert not validator.is_valid({"routes": {"default": {"usee": "x"}}})


def test_use_makes_a_profile_the_default_and_never_overwrites_what_was_written_by_hand(user):
    mine = user.write("mine.toml", GOOD)
    first = user.synapse("profile", "use", str(mine))
    followed = list(user.load().models)
    second = user.synapse("profile", "use", "offline")
    own = user.config / "profiles" / "default.toml"
    offline = list(user.load().models)
    own.write_text(GOOD)
    third = user.synapse("profile", "use", "offline")
    forced = user.synapse("profile", "use", "offline", "--force")

    assert (first.returncode, first.stdout) == (0, f"{own}\n")
    assert followed == ["m"]
    assert (second.returncode, offline) == (0, ["minilm", "nano"])
    assert (third.returncode, own.read_text() != GOOD, forced.returncode) == (2, True, 0)


def test_use_takes_no_profile_that_is_wrong(user):
    path = user.write("bad.toml", "x = 1\n")

    done = user.synapse("profile", "use", str(path))

    assert done.returncode == 78
    assert not (user.config / "profiles").exists()


def test_a_shipped_profile_is_followed_by_name_since_its_folder_may_move(user):
    done = user.synapse("profile", "use", "thrifty")

    assert done.returncode == 0
    assert 'extends = ["builtin:thrifty"]' in Path(done.stdout.strip()).read_text()
    assert "triage" in user.load().routes


def test_init_writes_a_private_profile_that_is_right_and_names_only_variables(user):
    user.env["OPENAI_API_KEY"] = "sk-canary"
    user.env["OLLAMA_HOST"] = "127.0.0.1:1"
    found = gguf(user.home / "models" / "tiny-chat.Q8_0.gguf")

    done = user.synapse("init")
    path = Path(done.stdout.strip())
    again = user.synapse("init")
    profile = user.load()

    assert done.returncode == 0
    assert path == user.config / "profiles" / "default.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "sk-canary" not in path.read_text() + done.stdout + done.stderr
    assert profile.cascades["thrifty"].tiers == ("minilm", "nano", "tiny-chat-q8-0", "gpt-5-mini")
    assert profile.models["tiny-chat-q8-0"].source == f"file:{found}"
    assert profile.models["gpt-5-mini"].keys == ("env:OPENAI_API_KEY",)
    assert again.returncode == 2
    assert user.synapse("init", "--force").returncode == 0


def test_init_for_a_project_needs_no_trust(user):
    user.env["ANTHROPIC_API_KEY"] = "sk-canary"
    user.env["OLLAMA_HOST"] = "127.0.0.1:1"

    done = user.synapse("init", "--project")

    assert done.stdout == f"{user.project}/synapse.toml\n"
    assert user.synapse("profile", "check").returncode == 0


def test_init_prints_and_writes_nothing(user):
    user.env["OLLAMA_HOST"] = "127.0.0.1:1"

    done = user.synapse("init", "--print")

    assert done.returncode == 0
    assert "[models.nano]" in done.stdout
    assert list(user.config.iterdir()) == []


def test_a_running_ollama_is_found_with_its_models(user):
    models = [{"name": "qwen3:4b"}, {"name": "llama3.2:latest"}, {"name": "bad name\n"}]
    with ollama(json.dumps({"models": models}).encode()) as address:
        user.env["OLLAMA_HOST"] = address
        user.env["http_proxy"] = "http://127.0.0.1:1"
        text = user.synapse("init", "--print").stdout

    profile = user.load(user.write("p.toml", text))

    assert profile.models["qwen3-4b"].model == "ollama_chat/qwen3:4b"
    assert profile.models["qwen3-4b"].base_url == address
    assert [name for name in profile.models if "bad" in name] == []


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"models": 3}', b'{"models": [{"nme": 1}]}', b"\xff", b"x" * 2_000_000]
)
def test_something_else_on_that_port_is_not_an_ollama(user, answer):
    with ollama(answer) as address:
        found = survey(cwd=str(user.project), env={**user.env, "OLLAMA_HOST": address})

    assert (found.ollama, found.ollama_models) == (None, ())


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("box.lan:1234", "http://box.lan:1234"),
        ("https://box.lan/", "https://box.lan:11434"),
        (":99", "http://127.0.0.1:99"),
        ("[::1]:99", "http://[::1]:99"),
        ("not an address", "http://127.0.0.1:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host, address):
    assert ollama_address(host) == address


def test_gguf_files_are_found_where_tools_keep_them_and_nothing_else_is_taken_for_one(user):
    wanted = [
        gguf(user.project / "sub" / "a.gguf", 10),
        gguf(user.home / "models" / "b.gguf", 20),
        gguf(user.home / ".cache" / "llama.cpp" / "c.gguf", 30),
        gguf(user.home / ".lmstudio" / "models" / "x" / "y" / "d.gguf", 40),
        gguf(user.home / ".cache" / "huggingface" / "hub" / "models--x" / "snapshots" / "1" / "e.gguf", 50),
    ]
    gguf(user.home / "models" / "mmproj-b.gguf")
    gguf(user.home / "models" / "big-00002-of-00003.gguf")
    gguf(user.project / ".venv" / "hidden.gguf")
    (user.home / "models" / "text.gguf").write_text("no")
    (user.home / "models" / "folder.gguf").mkdir()
    (user.home / "models" / "loop").symlink_to(user.home)

    found = survey(cwd=str(user.project), env={**user.env, "OLLAMA_HOST": "127.0.0.1:1"})

    assert [Path(each.path) for each in found.ggufs] == list(reversed(wanted))


def test_the_search_is_bounded(user):
    for number in range(60):
        gguf(user.project / f"{number}.gguf")

    found = survey(cwd=str(user.project), env={**user.env, "OLLAMA_HOST": "127.0.0.1:1"})

    assert len(found.ggufs) == 50


def test_every_draft_is_a_profile_that_is_right(user):
    odd = ['a"b\\c.gguf', "ü 模型.gguf", "tab\t.gguf", "nano.gguf", "NANO.gguf", "x" * 200 + ".gguf", "---.gguf"]
    everything = Survey(
        variables=("OPENAI_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY"),
        ggufs=tuple(Gguf(path=f"/m/{name}", size=1000) for name in odd),
        ollama="http://127.0.0.1:11434",
        ollama_models=("nano", "a:b", "a-b"),
    )
    for found in (Survey(), everything, Survey(ggufs=everything.ggufs[3:]), Survey(variables=("XAI_API_KEY",))):
        profile = user.load(user.write("p.toml", draft(found)), use_compiled=False)

        assert profile.cascades["thrifty"].tiers[:2] == ("minilm", "nano")
        assert {model.source for model in profile.models.values() if model.backend == "llama.cpp"} <= {
            "builtin:nano",
            *(f"file:{each.path}" for each in found.ggufs),
        }


def test_the_models_that_init_proposes_have_a_price_in_the_catalogue():
    from importlib.util import find_spec

    from synapse_cli.profile.survey import HOSTED

    origin = find_spec("litellm").origin
    prices = json.loads((Path(origin).parent / "model_prices_and_context_window_backup.json").read_text())

    unpriced = [name for name in HOSTED.values() if name not in prices and name.partition("/")[2] not in prices]
    assert unpriced == []


def test_the_search_ends_when_its_folders_or_its_time_are_used_up(user):
    wanted = gguf(user.project / "a" / "b" / "c" / "d.gguf")
    forever, over = float("inf"), 0.0

    assert list(_walk(str(user.project), forever, [4])) == [str(wanted)]
    assert list(_walk(str(user.project), forever, [3])) == []
    assert list(_walk(str(user.project), over, [4])) == []
