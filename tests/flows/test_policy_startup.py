"""Start-up is a feature: a policy that reads words adds no engine to a run, and no numpy."""

from __future__ import annotations

from pathlib import Path

from tests.flows.policies import EASY, choosing, saved
from tests.house.test_startup import HEAVY, PROFILE, _modules, _packages


def test_a_run_under_a_policy_by_words_imports_nothing_heavy(tmp_path: Path) -> None:
    path = saved(choosing(), tmp_path / "a.policy")
    models = "".join(
        f'[models.{name}]\nbackend = "scripted"\nreplies = [{{ match = "", text = "an answer" }}]\n'
        for name in ("small", "middle", "large")
    )
    (tmp_path / "profile.toml").write_text(f'{models}{PROFILE.partition(chr(10))[2]}policy = "{path}"\n', "utf-8")

    _modules(tmp_path, "run", "--no-cache", EASY)  # compiles the profile, which takes pydantic

    modules = _modules(tmp_path, "run", "--no-cache", EASY)

    assert "synapse_cli.learned.predictor" in modules
    assert not _packages(modules) & (HEAVY | {"scipy", "sklearn"})
    assert not modules & {"synapse_cli.learned.neighbours", "synapse_cli.flows.encoding", "synapse_cli.flows.exploring"}
