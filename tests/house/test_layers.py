"""The layers of the map are the layers of the code, and a new folder fails until it is placed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT


def test_the_layers_hold() -> None:
    tool = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([str(tool), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
