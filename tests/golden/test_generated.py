"""Man pages and completions in the repository are those that the commands produce now."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.cli.generate import generate
from tests.conftest import Golden

ROOT = Path(__file__).resolve().parents[2]


def _texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for kind in ("completions", "man")
        for path in sorted((folder / kind).iterdir())
    }


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("generated")
    generate(folder)
    return _texts(folder)


def test_nothing_is_committed_that_is_not_generated(generated: dict[str, str]) -> None:
    assert set(_texts(ROOT)) <= set(generated)


def test_the_committed_files_are_those_that_are_generated(generated: dict[str, str], golden: Golden) -> None:
    for name, text in generated.items():
        golden(ROOT / name, text)


def test_man_pages_are_troff_without_warnings(generated: dict[str, str], tmp_path: Path) -> None:
    """Runs where groff is installed; elsewhere the comparison with the committed pages is what holds."""
    import shutil
    import subprocess

    groff = shutil.which("groff")
    for name, text in generated.items():
        if name.startswith("man/"):
            assert text.startswith(".TH SYNAPSE")
            if groff is not None:
                page = tmp_path / Path(name).name
                page.write_text(text, encoding="utf-8")
                said = subprocess.run(
                    [groff, "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True, check=True
                )
                assert said.stderr == "", name
