"""An unchanged profile is neither parsed nor checked again, and a changed one always is."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.core.errors import ProfileError

TEXT = """
[models.m]
backend = "litellm"
model = "openai/x"
price = {{ input = 0.1, output = 2, cached = 0.01 }}
headers = {{ a = "b" }}
params = {{ temperature = 0.5, stop = ["x"] }}
timeout_s = {timeout}
[models.s]
backend = "scripted"
replies = [{{ match = "a", text = "b", tokens = {{ input = 1, output = 2 }} }}]
[cascades.c]
tiers = ["s", "m"]
accept = [{{ kind = "confidence", min = 0.5 }}]
on_budget = "cheaper"
[routes.r]
use = "c"
fallback = ["m"]
schema = "schema.json"
when = {{ regex = "a", tags = ["x", "y"], prompt_over = 3 }}
[routes.default]
run = ["wc", "-w"]
[templates.t]
prompt = "{{{{ a }}}}"
defaults = {{ a = "b" }}
[budget]
per_run = "0.05 USD"
[cache]
ttl = "2h"
[ledger]
keep = "7d"
[defaults]
params = {{ top_p = 0.9 }}
max_input = "1MB"
"""


def compiled_files(user) -> list[Path]:
    return list((user.cache / "profiles").glob("*.json"))


def project(user) -> Path:
    user.write("schema.json", '{"type": "object"}')
    return user.write("plan.toml", TEXT.format(timeout=10))


def test_the_compiled_form_says_the_same_as_the_profile(user):
    path = project(user)

    parsed, compiled, plain = user.load(path), user.load(path), user.load(path, use_compiled=False)

    assert len(compiled_files(user)) == 1
    assert parsed == compiled == plain
    assert repr(parsed) == repr(compiled)


def test_the_compiled_form_is_what_is_read(user):
    path = project(user)
    user.load(path)
    file = compiled_files(user)[0]
    kept = json.loads(file.read_text())
    kept["profile"]["models"]["m"]["timeout_s"] = 77.0
    file.write_text(json.dumps(kept))

    assert user.load(path).models["m"].timeout_s == 77.0
    assert user.load(path, use_compiled=False).models["m"].timeout_s == 10.0


def test_it_is_private(user):
    user.load(project(user))

    assert stat.S_IMODE(compiled_files(user)[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((user.cache / "profiles").stat().st_mode) == 0o700


def test_an_unchanged_profile_loads_no_parser(user):
    script = """
import os, sys
from synapse_cli.core.witness import Witness
from synapse_cli.profile.load import load
load(None, cwd=os.getcwd(), env=os.environ, witness=Witness())
heavy = {"tomllib", "pydantic", "platformdirs", "typing_extensions", "difflib", "importlib.metadata", "jsonschema"}
print(" ".join(sorted(heavy & set(sys.modules))))
"""
    first, second = user.python(script), user.python(script)

    assert "pydantic" in first.stdout.split()
    assert (second.stdout, second.stderr) == ("\n", "")


def test_a_change_of_the_same_size_at_the_same_instant_is_seen(user):
    path = project(user)
    user.load(path)
    before = path.stat()
    with path.open("r+b") as file:  # the same inode
        file.write(TEXT.format(timeout=99).encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert user.load(path).models["m"].timeout_s == 99.0


def test_a_schema_that_a_route_names_is_part_of_it(user):
    path = project(user)
    user.load(path)
    user.write("schema.json", '{"type": "string"}')

    assert user.load(path).routes["r"].schema == {"type": "string"}


def test_a_file_that_is_gone_is_an_error_again(user):
    path = project(user)
    user.load(path)
    (user.project / "schema.json").unlink()

    with pytest.raises(ProfileError, match="no such file"):
        user.load(path)


def test_a_wrong_profile_is_not_kept(user):
    path = user.write("plan.toml", TEXT.format(timeout=-1))

    with pytest.raises(ProfileError):
        user.load(path)

    assert compiled_files(user) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"of": 1}', b"\xff\x00"])
def test_a_damaged_compiled_form_is_made_again(user, damage):
    path = project(user)
    wanted = user.load(path)
    file = compiled_files(user)[0]
    file.write_bytes(damage)

    assert user.load(path) == wanted
    assert file.read_bytes() != damage


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(user):
    path = project(user)
    user.cache.rmdir()
    user.cache.write_text("a file where the folder should be")

    assert user.load(path).models["m"].timeout_s == 10.0


def test_another_home_means_other_paths(user):
    path = user.write("p.toml", '[models.m]\nbackend="llama.cpp"\nsource="file:~/m"\n[routes.default]\nuse="m"\n')
    script = f"""
import os
from synapse_cli.core.witness import Witness
from synapse_cli.profile.load import load
print(load({str(path)!r}, cwd="/", env=os.environ, witness=Witness()).models["m"].source)
"""
    first = user.python(script).stdout
    user.env["HOME"] = "/elsewhere"

    assert first == f"file:{user.home}/m\n"
    assert user.python(script).stdout == "file:/elsewhere/m\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["plan.toml", "base.toml", "load"]), st.integers(1, 9)), max_size=8))
def test_whatever_is_changed_the_compiled_form_says_what_a_fresh_look_says(user, steps):
    """The law: loading with and without the compiled form never differs, in whatever order files change."""
    user.write("base.toml", TEXT.format(timeout=1).replace("schema.json", "../project/schema.json"))
    user.write("schema.json", '{"type": "object"}')
    path = user.write("plan.toml", 'extends = ["base.toml"]\n')
    for name, number in steps:
        if name == "base.toml":
            user.write(name, TEXT.format(timeout=number))
        elif name == "plan.toml":
            user.write(name, f'extends = ["base.toml"]\n[budget]\nsteps_per_run = {number}\n')

        assert user.load(path) == user.load(path, use_compiled=False)
