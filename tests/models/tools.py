"""A machine whose hub is on loopback, and looks into its store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.machine import Done, Machine
from tests.servers.hub import Hub

REPO = "tiny/Tiny-GGUF"
FILE = "tiny-q8_0.gguf"
SOURCE = f"hf:{REPO}/{FILE}"
PROFILE = f"""schema = 1
[models.small]
backend = "llama.cpp"
source = "{SOURCE}"
[routes.default]
use = "small"
"""


class User(Machine):
    """Somebody with an empty home, who asks the loopback hub."""

    def __init__(self, root: Path, hub: Hub) -> None:
        super().__init__(root)
        self.hub = hub
        self.store = self.state / "models"
        self.env |= {"HF_ENDPOINT": hub.url, "SYNAPSE_HOSTS": "off"}

    def models(self, *arguments: str, **options: Any) -> Done:
        """Run `synapse models …`."""
        return self.synapse("models", *arguments, **options)

    def pulls(self, name: str = SOURCE, *arguments: str) -> dict[str, Any]:
        """Pull, which must work, and return what it tells."""
        done = self.models("pull", name, "--json", *arguments)
        assert done.code == 0, done.err
        told: dict[str, Any] = done.json
        return told

    @property
    def blobs(self) -> dict[str, bytes]:
        """The files of the store by their names."""
        folder = self.store / "blobs"
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}

    @property
    def parts(self) -> dict[str, int]:
        """Downloads that have not ended, with their bytes."""
        return {path.name: path.stat().st_size for path in (self.store / "partial").glob("*.part")}

    def lock(self, path: Path | None = None) -> Any:
        """The pins of a lock, the user's own where none is named."""
        return json.loads((path or self.config / "models.lock").read_text(encoding="utf-8"))["pins"]
