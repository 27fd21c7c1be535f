"""Write completions/ and man/ from the commands: `python -m synapse_cli.cli.generate [FOLDER]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def generate(folder: Path) -> list[Path]:
    """Write every generated file below `folder` and return them; files of commands that are gone are removed."""
    os.environ["COLUMNS"] = "100"
    from synapse_cli.cli.manual import pages
    from synapse_cli.cli.shells import SHELLS
    from synapse_cli.cli.spec import tree

    top = tree()
    texts = {folder / "completions" / file: write(top) for write, file in SHELLS.values()}
    texts |= {folder / "man" / file: text for file, text in pages(top).items()}
    for old in [*folder.glob("completions/*synapse*"), *folder.glob("man/synapse*.1")]:
        if old not in texts:
            old.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


if __name__ == "__main__":
    written = generate(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    sys.stdout.write("".join(f"{path}\n" for path in written))
