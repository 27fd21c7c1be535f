"""Which encoder made these vectors? A name by which what was learned of them finds it again."""

from __future__ import annotations

import os

from synapse_cli.profile.model import Model


def identity(model: Model) -> str:
    """One line that differs wherever the vectors would: `builtin:minilm`, or `openai/some-encoder?dimensions=256`.

    A file is named by what it holds, not by where it lies. Raises OSError for one that cannot be read.
    """
    named = model.source or model.model or model.name
    if named.startswith("file:"):
        from synapse_cli.core.files import file_sha256

        path = named.removeprefix("file:")
        named = f"file:{os.path.basename(path)}#{file_sha256(path)[:16]}"
    shape = {
        "dimensions": model.dimensions,
        "normalize": None if model.normalize else "off",
        "pooling": model.pooling,
        "too_long": None if model.too_long == "cut" else model.too_long,
    }
    said = "&".join(f"{key}={value}" for key, value in shape.items() if value is not None)
    return f"{named}?{said}" if said else named
