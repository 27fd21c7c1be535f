"""A project's profile may do nothing on its own authority until its user trusts it as it is."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys

import pytest

from synapse_cli.core.errors import ProfileError

BASE = """
[models.m]
backend = "litellm"
model = "openai/gpt-5-mini"
{model}
[models.n]
backend = "llama.cpp"
source = "builtin:nano"
[cascades.c]
tiers = ["n", "m"]
{cascade}
[routes.default]
use = "c"
{rest}
"""

# name: (lines of the model, of the cascade, elsewhere; where it is refused)
DANGERS = {
    "cmd_key": ('keys = ["cmd:pass openai"]', "", "", "models.m.keys[0]"),
    "file_key": ('keys = ["file:~/.ssh/id_rsa"]', "", "", "models.m.keys[0]"),
    "keyring_key": ('keys = ["keyring:bank/me"]', "", "", "models.m.keys[0]"),
    "variable_of_somebody_else": ('keys = ["env:AWS_SECRET_ACCESS_KEY"]', "", "", "models.m.keys[0]"),
    "base_url": ('base_url = "https://evil.example/v1"', "", "", "models.m.base_url"),
    "base_url_on_this_machine": ('base_url = "http://127.0.0.1:9/v1"', "", "", "models.m.base_url"),
    "address_in_the_model": ("", "", '[models.x]\nbackend="litellm"\nmodel="huggingface/https://e.example"',
        "models.x.model"),
    "address_in_params": ("", "", '[models.x]\nbackend="litellm"\nmodel="openai/x"\nparams={extra_body={a=1}}',
        "models.x.params.extra_body"),
    "default_params": ("", "", "[defaults]\nparams = { store = true }", "defaults.params.store"),
    "headers": ('headers = { Authorization = "Bearer mine" }', "", "", "models.m.headers"),
    "command_check": ("", 'accept = [{ kind = "json" }, { kind = "command", argv = ["true"] }]', "",
        "cascades.c.accept[1]"),
    "file_for_a_judge": ("", 'accept = [{ kind = "judge", model = "m", rubric = "@/etc/hostname" }]', "",
        "cascades.c.accept[0].rubric"),
    "run_route": ("", "", '[routes.r]\nrun = ["sh", "-c", "id"]', "routes.r.run"),
    "texts_for_telemetry": ("", "", "[telemetry]\ncontent = true", "telemetry.content"),
    "shorter_record": ("", "", '[ledger]\nkeep = "1s"', "ledger.keep"),
    "smaller_record": ("", "", '[ledger]\nmax_size = "1B"', "ledger.max_size"),
    "smaller_cache": ("", "", '[cache]\nmax_size = "1B"', "cache.max_size"),
    "record": ("", "", '[models.s]\nbackend="scripted"\nreplies=[{match="",text="x"}]\nrecord="../x"',
        "models.s.record"),
}  # fmt: skip


def text_of(name: str) -> tuple[str, str]:
    model, cascade, rest, where = DANGERS[name]
    return BASE.format(model=model, cascade=cascade, rest=rest), where


@pytest.mark.parametrize("name", DANGERS)
def test_what_needs_trust_is_refused_in_a_project_and_allowed_where_the_user_named_it(user, name):
    text, where = text_of(name)
    path = user.write("synapse.toml", text)

    with pytest.raises(ProfileError) as refused:
        user.load()
    named = user.load(path)

    assert [problem.where for problem in refused.value.problems] == [where]
    assert refused.value.exit_code == 78
    assert f"synapse trust {path}" in refused.value.hint
    assert all(model.trusted for model in named.models.values())


def test_a_compiled_profile_does_not_carry_the_trust_of_the_run_that_compiled_it(user):
    path = user.write("synapse.toml", text_of("cmd_key")[0])
    user.load(path)  # named, so trusted, and compiled

    with pytest.raises(ProfileError):
        user.load()


def test_a_harmless_project_profile_works_and_its_models_are_marked(user):
    user.write("synapse.toml", BASE.format(model='keys = ["env:OPENAI_API_KEY"]', cascade="", rest=""))

    first, compiled = user.load(), user.load()

    assert first == compiled
    assert [model.trusted for model in first.models.values()] == [False, False]


def test_an_ollama_on_this_machine_needs_no_trust(user):
    local = '[models.o]\nbackend="litellm"\nmodel="ollama_chat/qwen3"\nbase_url="http://127.0.0.1:11435"'
    user.write("synapse.toml", BASE.format(model="", cascade="", rest=local))

    profile = user.load()

    assert profile.models["o"].trusted is False


def test_an_ollama_elsewhere_needs_trust(user):
    for address in ("http://evil.example:11434", "http://127.0.0.1.evil.example/", "http://localhost@evil.example"):
        far = f'[models.o]\nbackend="litellm"\nmodel="ollama/q"\nbase_url="{address}"'
        user.write("synapse.toml", BASE.format(model="", cascade="", rest=far))

        with pytest.raises(ProfileError) as refused:
            user.load()

        assert "models.o.base_url" in [problem.where for problem in refused.value.problems]


def test_trust_lasts_until_the_file_changes(user):
    path = user.write("synapse.toml", text_of("cmd_key")[0])

    trusted = user.synapse("trust", "--yes")
    before = user.load()
    path.write_text(path.read_text().replace("pass openai", "pass openal"))
    with pytest.raises(ProfileError) as refused:
        user.load()

    assert trusted.returncode == 0
    assert "cmd:" not in trusted.stdout
    assert "runs a command: pass openai" in trusted.stderr
    assert before.models["m"].keys == ("cmd:pass openai",)
    assert before.models["m"].trusted is True
    assert [problem.where for problem in refused.value.problems] == ["models.m.keys[0]"]


def test_trust_belongs_to_a_path_and_not_to_a_content(user):
    text = text_of("cmd_key")[0]
    user.write("synapse.toml", text)
    user.synapse("trust", "--yes")
    user.project = user.project.parent / "another"
    user.write("synapse.toml", text)

    with pytest.raises(ProfileError):
        user.load()


def test_a_file_that_a_stranger_extends_is_a_stranger_too(user):
    base = user.write("shared/base.toml", text_of("command_check")[0])
    user.write("synapse.toml", 'extends = ["shared/base.toml"]\nschema = 1\n')

    with pytest.raises(ProfileError) as refused:
        user.load()
    user.synapse("trust", "--yes")
    user.load()
    base.write_text(base.read_text().replace('"true"', '"false"'))
    with pytest.raises(ProfileError) as again:
        user.load()

    assert [(problem.file, problem.where) for problem in refused.value.problems] == [
        (str(base), "cascades.c.accept[1]")
    ]
    assert len(again.value.problems) == 1


def test_mistakes_and_missing_trust_are_said_together(user):
    user.write("synapse.toml", text_of("cmd_key")[0] + "[cache]\nttl = 'soon'\n")

    with pytest.raises(ProfileError) as refused:
        user.load()

    assert [problem.where for problem in refused.value.problems] == ["cache.ttl", "models.m.keys[0]"]


def test_the_witness_knows_the_list_of_trusted_files(user):
    user.write("synapse.toml", text_of("cmd_key")[0])
    kept = user.config / "trusted.json"

    with pytest.raises(ProfileError):
        user.load()
    before = str(kept) in user.witness.missing
    user.synapse("trust", "--yes")
    user.load()

    assert before
    assert str(kept) in user.witness.files


def test_trust_is_listed_and_taken_back_and_its_list_is_private(user):
    path = user.write("synapse.toml", text_of("cmd_key")[0])

    user.synapse("trust", "--yes")
    listed = user.synapse("trust", "--list").stdout
    mode = stat.S_IMODE(os.stat(user.config / "trusted.json").st_mode)
    removed = user.synapse("trust", "--remove")

    assert listed == f"{path}\n"
    assert mode == 0o600
    assert removed.returncode == 0
    assert json.loads((user.config / "trusted.json").read_text())["files"] == {}
    with pytest.raises(ProfileError):
        user.load()


def test_without_a_terminal_nobody_is_asked(user):
    user.write("synapse.toml", text_of("cmd_key")[0])

    done = user.synapse("trust")

    assert done.returncode == 2
    assert "runs a command: pass openai" in done.stderr
    assert not (user.config / "trusted.json").exists()


def test_a_damaged_list_trusts_nothing(user):
    user.write("synapse.toml", text_of("cmd_key")[0])
    user.synapse("trust", "--yes")

    for damage in ("", "[]", '{"files": 3}', "\xff"):
        (user.config / "trusted.json").write_bytes(damage.encode("latin-1"))
        with pytest.raises(ProfileError):
            user.load()


def test_control_characters_of_a_stranger_never_reach_the_terminal(user):
    user.write("synapse.toml", BASE.format(model='keys = ["cmd:rm \\u001b[2K\\r x"]', cascade="", rest=""))

    done = user.synapse("trust", "--yes")

    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr
    assert "rm ?[2K? x" in done.stderr


def test_in_a_strangers_directory_nothing_runs_and_no_key_leaves(user):
    """The canary files would be written by the command, the check and the route; the server would see the key."""
    touch = [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')"]
    ran = {name: user.home / name for name in ("key", "check", "route")}
    argv = {name: json.dumps([*touch, str(path)]) for name, path in ran.items()}
    key = json.dumps("cmd:" + shlex.join([*touch, str(ran["key"])]))
    model = f'base_url = "http://127.0.0.1:9/v1"\nkeys = [{key}]'
    cascade = f'accept = [{{ kind = "command", argv = {argv["check"]} }}]'
    user.write("synapse.toml", BASE.format(model=model, cascade=cascade, rest=f"[routes.r]\nrun = {argv['route']}"))
    user.env["OPENAI_API_KEY"] = "sk-canary"

    done = [
        user.synapse("run", *flags, "hello")
        for flags in ([], ["-r", "r"], ["-m", "m"], ["--dry-run"], ["--json"], ["--no-cache"])
    ]

    assert [process.returncode for process in done] == [78] * len(done)
    assert all("synapse trust" in process.stderr for process in done)
    assert not [path for path in ran.values() if path.exists()]
    assert "sk-canary" not in "".join(process.stdout + process.stderr for process in done)


PLUGIN = """
class B:
    def complete(self, request, control, emit=None): ...
    def facts(self): ...
    def count(self, messages): ...
class C:
    kind, binds = "sly", "validity"
    @classmethod
    def parse(cls, options): return cls()
    def judge(self, request, completion, control): ...
"""


def test_a_plugin_is_not_imported_for_a_stranger(user, tmp_path):
    """An installed plugin whose import leaves a trace: it must not, until the profile is trusted."""
    site, trace = tmp_path / "site", tmp_path / "imported"
    info = site / "evil-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[synapse.backends]\nevil = evil:B\n[synapse.checks]\nsly = evil:C\n")
    (site / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n{PLUGIN}")
    user.write("synapse.toml", BASE.format(model="", cascade='accept = [{ kind = "sly" }]',
        rest='[models.e]\nbackend = "evil"\n'))  # fmt: skip
    script = f"import sys; sys.path.insert(0, {str(site)!r}); from synapse_cli.__main__ import main; sys.exit(main())"

    refused = user.python(script, "profile", "check")
    before = trace.exists()
    user.python(script, "trust", "--yes")
    between = trace.exists()
    allowed = user.python(script, "profile", "check")

    assert refused.returncode == 78
    assert "models.e.backend" in refused.stderr
    assert "cascades.c.accept[0]" in refused.stderr
    assert (before, between, trace.exists()) == (False, False, True)
    assert allowed.returncode == 0, allowed.stderr


@pytest.mark.parametrize(("typed", "code", "is_kept"), [("y\n", 0, True), ("n\n", 77, False), ("\x03", 130, False)])
def test_at_a_terminal_the_user_is_asked(user, typed, code, is_kept):
    """The question comes after the list of what the profile asks for; only a yes changes anything."""
    user.write("synapse.toml", text_of("cmd_key")[0])

    said, status = user.at_terminal("trust", typed=typed, after="Trust it?")

    assert status == code, said
    assert said.index("runs a command: pass openai") < said.index("Trust it?")
    assert (user.config / "trusted.json").exists() is is_kept
