"""`synapse embed`: turn texts into vectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from synapse_cli.cli import embed_flags as flags
from synapse_cli.cli.texts import Reading, read_texts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model, Profile


def embed(
    *,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; each is one.", metavar="[TEXT]...")] = None,
    file: flags.Files = None,
    lines: Annotated[bool, typer.Option("--lines", help="Every line is a text.")] = False,
    jsonl: flags.Jsonl = False,
    field: flags.Field = None,
    model: flags.ModelName = None,
    form: Annotated[str | None, typer.Option("--format", help="json, jsonl, npy or plain.", metavar="FORM")] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Write to a file.", metavar="FILE")] = None,
    too_long: Annotated[
        str | None, typer.Option("--too-long", help="What to do with a long text: cut or chunk.", metavar="HOW")
    ] = None,
    dimensions: Annotated[
        int | None, typer.Option("--dimensions", help="Numbers per vector, where the model can.", metavar="N")
    ] = None,
    encoding: flags.Encoding = "utf-8",
    timeout: flags.Timeout = None,
    profile: flags.ProfileName = None,
    no_host: flags.NoHost = False,
    quiet: flags.Quiet = False,
) -> None:
    """Turn texts into vectors, here or at a provider.

    Arguments, files and stdin are one text each, unless --lines or --jsonl. Without -m the profile's encoder is
    used, else all-MiniLM-L6-v2 on this machine.

    Examples:

      synapse embed "How do I get a refund?"

      synapse embed --lines -f questions.txt -o questions.npy

      synapse embed --jsonl --field body < tickets.jsonl > vectors.jsonl
    """
    from synapse_cli.cli.forms import chosen, written
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.cli.sink import sink
    from synapse_cli.core.witness import Witness
    from synapse_cli.report.problem import warn

    reading = Reading(lines=lines, field=field_of(field, lines=lines, jsonl=jsonl), encoding=encoding)
    shape = chosen(form, output, records=jsonl)
    if shape == "npy" and output is None and sys.stdout.isatty():
        raise UsageError("npy is binary, and stdout is a terminal", "name a file with -o vectors.npy")
    plan = find_profile(profile, Witness())
    encoder = named_model(model, plan, too_long=too_long, dimensions=dimensions)
    texts = read_texts(text or [], file or [], reading)
    warnings: list[str] = []
    with sink(output) as write:
        parts = encoded(encoder, plan, [each.text for each in texts], timeout, warnings, hosts=not no_host)
        for piece in written(shape, texts, parts, encoder.name):
            write(piece)
    if not quiet:
        for message in dict.fromkeys(warnings):
            warn(message)


def named_model(name: str | None, profile: Profile, *, too_long: str | None, dimensions: int | None) -> Model:
    """The encoder that flags and profile name, with what the flags change."""
    from synapse_cli.backends.encoders import encoder_kind
    from synapse_cli.flows.encoding import find_model

    found = find_model(name, profile)
    if too_long is not None:
        if too_long not in ("cut", "chunk"):
            raise UsageError(f"--too-long is cut or chunk, found {too_long!r}", "cut keeps the beginning only")
        found = replace(found, too_long="chunk" if too_long == "chunk" else "cut")
    if dimensions is not None:
        if dimensions < 1:
            raise UsageError(f"--dimensions takes a number from 1, found {dimensions}", "for example --dimensions 256")
        found = replace(found, dimensions=dimensions)
    encoder_kind(found)
    return found


def encoded(
    model: Model, profile: Profile, texts: Sequence[str], timeout: str | None, warnings: list[str], *, hosts: bool
) -> Iterator[Vectors]:
    """The texts' vectors, some dozens at a time; Ctrl-C and `timeout` end it. What is to be said joins `warnings`."""
    from synapse_cli.cli.asking import seconds
    from synapse_cli.cli.interruptible import interruptible
    from synapse_cli.flows.encoding import encode, open_encoder
    from synapse_cli.report.counting import Counting

    control, limit = Control(), seconds("--timeout", timeout)
    control.deadline = None if limit is None else control.clock() + limit
    done = 0
    with Counting(f"{model.name} · embedding", len(texts)) as counting, interruptible(control):
        for part in encode(open_encoder(model, profile, counting.say, warnings.append, hosts=hosts), texts, control):
            done += len(part)
            counting.reached(done)
            warnings.extend(part.warnings)
            yield part


def field_of(field: str | None, *, lines: bool, jsonl: bool) -> str | None:
    """The field that holds the text of JSON lines; None where the input is none. Raises UsageError."""
    if lines and jsonl:
        raise UsageError("--lines and --jsonl contradict each other", "give one of them")
    if field is not None and not jsonl:
        raise UsageError("--field names a field of --jsonl", "add --jsonl")
    return (field or "text") if jsonl else None
