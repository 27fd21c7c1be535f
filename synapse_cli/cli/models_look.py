"""`synapse models info`, `suggest`: know a model before it is loaded, or before it is here."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import as_size, print_rows, print_table
from synapse_cli.cli.models_named import meant
from synapse_cli.cli.models_pull import memory_of
from synapse_cli.core.errors import ModelMissing, UsageError

if TYPE_CHECKING:
    from synapse_cli.backends.catalog_choose import Choice
    from synapse_cli.backends.catalog_info import Described, Offer
    from synapse_cli.core.completion import Price
    from synapse_cli.core.prompt import Json

_MEMORY = typer.Option("--memory", metavar="4GB", help="What a model may take; most of what is free.")


def info(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH|SOURCE", help="A model's name, a file, or hf:OWNER/REPO.")],
    memory: Annotated[str | None, _MEMORY] = None,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a model is, without loading it.

    From its header: architecture, window, template, licence, and the memory it needs. Of a model that is not here, what
    its repository has, which file `pull` would take, and what that one's first bytes say.

    Examples:

      synapse models info ~/Downloads/phi-4-mini-q4.gguf

      synapse models info Qwen/Qwen3-4B-GGUF
    """
    from synapse_cli.backends.catalog_info import describe, sha256_of
    from synapse_cli.backends.catalog_paths import there
    from synapse_cli.backends.gguf import read_header

    model = meant(name, profile)
    hosted = model.model if model.source is None else name
    if model.source is None or ("/" in name and not os.path.exists(name) and _is_hosted(name)):
        _tell_hosted(hosted or name, json=json)
        return
    try:
        header = read_header(there(model), "any")
    except ModelMissing:
        if not model.source.startswith("hf:"):
            raise
        _tell_offer(model.source, memory, json=json)
        return
    described = describe(header, sha256_of(header))
    row: dict[str, Json] = {"source": model.source, **_row(described)}
    if not print_rows([row], jsonl=json):
        _tell(described)


def suggest(
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="What it is for (chat, json, code, embedding).")
    ] = None,
    memory: Annotated[str | None, _MEMORY] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="NAME", help="Its licence (apache, mit, llama).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """Name small models that fit into this machine.

    From a dated list, the most capable first, each with the command that fetches it.

    Examples:

      synapse models suggest --task json --memory 4GB

      synapse models suggest --licence apache --json | jq -r '.[0].command'
    """
    from synapse_cli.backends import catalog_suggest

    budget = memory_of(memory)
    found = catalog_suggest.suggest(task=task, memory=budget, licence=licence)
    rows: list[dict[str, Json]] = [
        {
            "name": each.model.name,
            "parameters_billions": each.model.billions,
            "quantization": each.quantization,
            "bytes": each.size,
            "memory_bytes": each.need,
            "licence": each.model.licence,
            "window": each.model.window,
            "tasks": list(each.model.tasks),
            "command": each.command,
            "checked": catalog_suggest.checked(),
        }
        for each in found
    ]
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    header = ("name", "size", "memory", "licence", "window", "command")
    cells = [
        (e.model.name, as_size(e.size), as_size(e.need), e.model.licence, str(e.model.window), e.command) for e in found
    ]
    print_table(header, cells, f"nothing on the list fits in {budget / 1e9:.1f} GB; try --memory")
    typer.echo(f"from a list checked on {catalog_suggest.checked()}, for {budget / 1e9:.1f} GB of memory", err=True)


def _row(found: Described) -> dict[str, Json]:
    return {**asdict(found), "needs": {str(window): need for window, need in found.needs.items()}}


def _tell(found: Described) -> None:
    needs = ", ".join(f"{need / 1e9:.2f} GB at {window}" for window, need in found.needs.items())
    _lines(
        ("name", found.name),
        ("architecture", found.architecture),
        ("makes", "text" if found.writes else "vectors"),
        ("parameters", f"{found.parameters:,}"),
        ("quantization", found.quantization),
        ("window", found.window),
        ("template", found.template),
        ("licence", found.licence),
        ("tokenizer", f"{found.tokenizer}, {found.vocabulary:,} tokens" if found.tokenizer else None),
        ("tensors", found.tensors),
        ("size", f"{found.size:,} bytes" + (f" in {found.parts} parts" if found.parts > 1 else "")),
        ("memory", needs),
        ("sha256", found.sha256),
        ("file", found.path),
    )


def _tell_offer(source: str, memory: str | None, *, json: bool) -> None:
    from synapse_cli.backends.catalog_info import offer
    from synapse_cli.backends.catalog_source import Hub, parse

    wanted = parse(source)
    assert isinstance(wanted, Hub)
    found = offer(wanted, memory_of(memory))
    if print_rows([_offered(source, found)], jsonl=json):
        return
    _lines(("repository", found.repo), ("commit", found.commit), ("licence", found.licence), ("here", "not pulled yet"))
    if found.described is not None:
        _tell(found.described)
    for each in found.models:
        mark = "*" if found.chosen is not None and each.files == found.chosen.files else " "
        typer.echo(f"{mark} {each.quantization or '-':<10} {each.size / 1e6:>10,.1f} MB  {each.files[0].name}")
    why = f"* {found.chosen.why}" if found.chosen is not None else found.why_not
    typer.echo(why)


def _offered(source: str, found: Offer) -> dict[str, Json]:
    chosen = found.chosen
    return {
        "source": source,
        "repository": found.repo,
        "commit": found.commit,
        "licence": found.licence,
        "models": [_choice(each) for each in found.models],
        "chosen": chosen.files[0].name if chosen else None,
        "why": chosen.why if chosen else found.why_not,
        "header": _row(found.described) if found.described else None,
    }


def _choice(each: Choice) -> dict[str, Json]:
    names: list[Json] = [file.name for file in each.files]
    return {"files": names, "bytes": each.size, "quantization": each.quantization}


def _is_hosted(name: str) -> bool:
    """Whether `provider/id` is what a name means, rather than OWNER/REPO of the hub."""
    from synapse_cli.backends.prices import entry

    return entry(name) is not None


def _price_of(name: str) -> Price | None:
    """The price that counts here: an override or a list of the user's go before the catalogue."""
    from synapse_cli.backends.prices_told import told

    return told(name, os.environ).price


def _tell_hosted(name: str, *, json: bool) -> None:
    """What the catalogue knows of a model that is asked over the network."""
    from synapse_cli.backends.prices import entry

    known = entry(name)
    if known is None:
        raise UsageError(f"the catalogue does not know {name}", "synapse models list --hosted asks its provider")
    told = _price_of(name)
    price = f"{told.input} / {told.output}" if told else None
    facts: dict[str, Json] = {
        "model": name,
        "mode": known.mode or None,
        "window": known.context_tokens,
        "max_output": known.max_output_tokens,
        "usd_per_million": price,
        "deprecated_on": known.deprecated_on,
        "supports": ", ".join(sorted(known.supports)) or None,
    }
    if not print_rows([facts], jsonl=json):
        _lines(*facts.items())


def _lines(*facts: tuple[str, object]) -> None:
    for label, value in facts:
        typer.echo(f"{label:<13} {'unknown' if value is None else value}")
