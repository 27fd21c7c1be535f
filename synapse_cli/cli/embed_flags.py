"""The options that `embed` and `similar` share: which texts, and which encoder."""

from __future__ import annotations

from typing import Annotated

import typer

Files = Annotated[
    list[str] | None, typer.Option("-f", "--file", help="File to read (repeatable, globs, - is stdin).", metavar="FILE")
]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="Every line is a JSON object that holds a text.")]
Field = Annotated[str | None, typer.Option("--field", help="Field of the objects that holds the text.", metavar="NAME")]
Encoding = Annotated[str, typer.Option("--encoding", help="Encoding of files and stdin.", metavar="NAME")]
ModelName = Annotated[
    str | None,
    typer.Option("-m", "--model", help="Encoder: of the profile, PATH.gguf or provider/id.", metavar="NAME"),
]
Timeout = Annotated[str | None, typer.Option("--timeout", help="Seconds the whole work may take.", metavar="30")]
ProfileName = Annotated[str | None, typer.Option("--profile", help="Profile to use.", metavar="NAME|PATH")]
NoHost = Annotated[bool, typer.Option("--no-host", help="Run the encoder in this process.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]
