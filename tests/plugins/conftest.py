"""An environment of its own with two packages of plugins in it: one that works, and one that does not."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.machine import Done, Machine

PARROT = Path(__file__).with_name("parrot")
WRECK = Path(__file__).with_name("wreck")


class Environment:
    """A virtual environment that sees what `make test` installed, and has packages of its own. No network is used."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / "env" / "bin" / "python"
        _run(sys.executable, "-m", "venv", "--without-pip", str(root / "env"))
        (folder,) = (root / "env" / "lib").glob("python*/site-packages")
        base = sysconfig.get_path("purelib")
        (folder / "base.pth").write_text(f"import site; site.addsitedir({base!r})\n")

    def install(self, sources: Path, version: str, edits: Mapping[str, str] | None = None) -> None:
        """Build a wheel from a project and install it, over an older version if there is one."""
        project = self.root / f"{sources.name}-{version}"
        for path in sources.rglob("*"):
            if path.suffix in {".toml", ".py"}:
                text = path.read_text(encoding="utf-8").replace("0.0.0", version)
                for old, new in (edits or {}).items():
                    text = text.replace(old, new)
                target = project / path.relative_to(sources)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=project)
        (wheel,) = (project / "dist").glob("*.whl")
        if importlib.util.find_spec("pip"):
            installer = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
            _run(*installer, "install", "-q", "--no-deps", "--no-index", str(wheel))
        else:
            _run("uv", "pip", "install", "-q", "--offline", "--no-deps", "--python", str(self.python), str(wheel))


def _run(*command: str, cwd: Path | None = None) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("plugins"))
    made.install(PARROT, "1.0.0")
    made.install(WRECK, "1.0.0")
    return made


class PluggedMachine(Machine):
    """A machine whose `synapse` lives in an environment with plugins."""

    def __init__(self, root: Path, environment: Environment) -> None:
        super().__init__(root)
        self.environment = environment
        self.imported = root / "imported"
        self.env["PARROT_WAS_IMPORTED"] = str(self.imported)

    def synapse(self, *arguments: str, stdin: bytes | str | None = None, **options: object) -> Done:
        """Run the command of that environment."""
        return self.process([str(self.environment.python), "-m", "synapse_cli", *arguments], stdin=stdin, **options)


@pytest.fixture
def machine(tmp_path: Path, environment: Environment) -> PluggedMachine:
    return PluggedMachine(tmp_path, environment)
