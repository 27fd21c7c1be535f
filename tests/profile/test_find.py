"""Which file is the profile, and what the witness is told of the search."""

from __future__ import annotations

import pytest

from synapse_cli.core.errors import ProfileError
from synapse_cli.profile.find import shipped_folder

MINIMAL = '[models.{0}]\nbackend = "llama.cpp"\nsource = "builtin:nano"\n[routes.default]\nuse = "{0}"\n'


def test_the_order_is_flag_environment_project_user_and_built_in(user):
    told = []
    told.append(user.load())
    own = user.config / "profiles" / "default.toml"
    own.parent.mkdir()
    own.write_text(MINIMAL.format("of_the_user"))
    told.append(user.load())
    user.write("../synapse.toml", MINIMAL.format("of_the_folder_above"))
    told.append(user.load())
    user.write("synapse.toml", MINIMAL.format("of_the_project"))
    told.append(user.load())
    user.env["SYNAPSE_PROFILE"] = "env.toml"
    user.write("env.toml", MINIMAL.format("of_the_environment"))
    told.append(user.load())
    user.write("flag.toml", MINIMAL.format("of_the_flag"))
    told.append(user.load("flag.toml"))

    assert [next(iter(profile.models)) for profile in told] == [
        "minilm",
        "of_the_user",
        "of_the_folder_above",
        "of_the_project",
        "of_the_environment",
        "of_the_flag",
    ]
    assert [profile.name for profile in told] == ["default", "default", "work", "project", "env", "flag"]


def test_the_witness_knows_every_place_that_was_looked_into_in_vain(user):
    user.load()

    folders = [user.project, *user.project.parents]
    assert {str(folder / "synapse.toml") for folder in folders} <= user.witness.missing
    assert str(user.config / "profiles" / "default.toml") in user.witness.missing
    assert list(user.witness.files) == [f"{shipped_folder()}/default.toml"]


def test_only_places_nearer_than_the_one_that_was_found_are_remembered_as_missing(user):
    path = user.write("../synapse.toml", MINIMAL.format("x"))

    user.load()

    assert user.witness.missing == {str(user.project / "synapse.toml")}
    assert list(user.witness.files) == [str(path.resolve())]


@pytest.mark.parametrize("use_compiled", [False, True])
def test_the_witness_knows_the_content_of_every_file_that_took_part(user, use_compiled):
    import hashlib

    user.write("schema.json", '{"type": "object"}')
    rule = '[cascades.c]\ntiers=["m"]\naccept=[{kind="schema", file="rule.json"}]\n'
    user.write("rule.json", '{"type": "string"}')
    user.write("base.toml", MINIMAL.format("m") + rule)
    path = user.write("top.toml", 'extends = ["base.toml"]\n[routes.r]\nuse = "c"\nschema = "schema.json"\n')

    for _ in range(2):
        user.load(path, use_compiled=use_compiled)

        names = ["top.toml", "base.toml", "schema.json", "rule.json"]
        assert user.witness.files == {
            str(user.project / name): hashlib.sha256((user.project / name).read_bytes()).hexdigest() for name in names
        }


def test_an_unknown_name_is_refused_with_the_nearest_one(user):
    with pytest.raises(ProfileError) as refused:
        user.load("ofline")

    assert "did you mean 'offline'?" in refused.value.message
    assert refused.value.exit_code == 78


def test_the_users_profile_hides_the_shipped_one_of_the_same_name(user):
    own = user.config / "profiles" / "offline.toml"
    own.parent.mkdir()
    own.write_text(MINIMAL.format("mine"))

    assert list(user.load("offline").models) == ["mine"]


def test_a_broken_link_in_a_project_is_an_error_and_not_passed_over(user):
    (user.project / "synapse.toml").symlink_to("nowhere")

    with pytest.raises(ProfileError, match="no such file"):
        user.load()


def test_folders_are_where_platformdirs_puts_them(monkeypatch):
    import platformdirs

    from synapse_cli.profile import paths

    for variable in ("SYNAPSE_CONFIG_DIR", "SYNAPSE_CACHE_DIR", "SYNAPSE_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    for home, base in (("/home/me", None), ("/home/me", "/xdg"), ("/home/me", "relative"), ("/home/me", "")):
        monkeypatch.setenv("HOME", home)
        for kind, variable in (("config", "XDG_CONFIG_HOME"), ("cache", "XDG_CACHE_HOME"), ("state", "XDG_STATE_HOME")):
            monkeypatch.delenv(variable, raising=False) if base is None else monkeypatch.setenv(variable, base)

            ours = getattr(paths, f"{kind}_dir")()

            assert ours == getattr(platformdirs, f"user_{kind}_path")("synapse", appauthor=False)
