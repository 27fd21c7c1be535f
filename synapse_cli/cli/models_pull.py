"""`synapse models pull`, `pin`, `rollback`: bring models to this machine, and say which revision is meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import print_rows
from synapse_cli.cli.models_named import meant, source_of
from synapse_cli.core.prompt import Json
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.backends.catalog_lock import Pin
    from synapse_cli.backends.catalog_pull import Pulled
    from synapse_cli.backends.catalog_source import Source

_NAME = typer.Argument(metavar="NAME|SOURCE", help="A model's name, OWNER/REPO[:QUANT], hf:…, https:… or minilm.")
_PROFILE = typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")
_JSON = typer.Option("--json", help="Print one JSON object.")
_MEMORY = typer.Option("--memory", metavar="4GB", help="What the model may take; chooses the quantization.")


def pull(
    name: Annotated[str | None, _NAME] = None,
    *,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Hash of what an address holds.")
    ] = None,
    update: Annotated[bool, typer.Option("-U", "--update", help="Move a pinned model to the newest revision.")] = False,
    memory: Annotated[str | None, _MEMORY] = None,
    alias: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Give it a short name for -m.")] = None,
    profile: Annotated[str | None, _PROFILE] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Fetch a model, check it and pin it by its hash.

    What is pinned in the lock beside the profile is fetched as it is pinned; --update moves to the newest revision and
    keeps the former for rollback. A download that was cut off goes on where it ended. Without a quantization the
    largest that fits into the memory that is free is chosen. Without a name every model of the profile is pulled.

    Examples:

      synapse models pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M --as qwen

      synapse models pull small       # what [models.small] of the profile names
    """
    if name is None:
        _pull_all(profile, alone=sha256 is None and alias is None, update=update, memory=memory, json=json)
        return
    from synapse_cli.profile import aliases

    if alias is not None:
        aliases.check(alias)
    model = meant(name, profile)
    if model.source == "builtin:minilm":
        _convert_minilm(json=json)
        return
    if model.source == "builtin:nano" or (model.source or "").startswith("file:"):
        _say_it_is_here(model, json=json)
        return
    done = _pulled(model, _source(model, sha256), update=update, memory=memory)
    if alias is not None:
        aliases.write(alias, done.source, os.environ)
    _tell(done, alias or name, json=json)


def pin(
    name: Annotated[str, _NAME],
    memory: Annotated[str | None, _MEMORY] = None,
    profile: Annotated[str | None, _PROFILE] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Pin what a source means now, without fetching it.

    Example:

      synapse models pin small && git add synapse.lock
    """
    from synapse_cli.backends.catalog_paths import lock_for
    from synapse_cli.backends.catalog_pull import pin_only

    model = meant(name, profile)
    source, lock = _source(model, model.sha256), lock_for(model)
    found = pin_only(source, lock=lock, memory=memory_of(memory))
    if not print_rows([{"source": source.text, "lock": lock, **_told(found)}], jsonl=json):
        typer.echo(f"pinned {source.text} to {_revision(found)} in {lock}")


def rollback(
    name: Annotated[str, _NAME],
    to: Annotated[str | None, typer.Option("--to", metavar="REVISION", help="The beginning of a former one.")] = None,
    profile: Annotated[str | None, _PROFILE] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Go back to the revision that was pinned before.

    Run it again to return.

    Example:

      synapse models rollback small
    """
    from synapse_cli.backends.catalog_back import back

    model = meant(name, profile)
    lock, found = back(model, to)
    if not print_rows([{"source": model.source, "lock": lock, **_told(found)}], jsonl=json):
        typer.echo(f"{name} is {_revision(found)} again, as {lock} says")


def _pull_all(choice: str | None, *, alone: bool, update: bool, memory: str | None, json: bool) -> None:
    """Pull whatever the profile names and has to be pulled."""
    from synapse_cli.cli.models_named import the_profile
    from synapse_cli.core.errors import UsageError

    profile = the_profile(choice)
    models = [model for model in profile.models.values() if (model.source or "").startswith(("hf:", "https:"))]
    if not alone:
        raise UsageError("--sha256 and --as belong to one model", "synapse models pull SOURCE")
    if not models:
        raise UsageError(f"the profile {profile.name!r} names no model to pull", "synapse models pull SOURCE")
    for model in models:
        _tell(_pulled(model, _source(model, None), update=update, memory=memory), model.name, json=json)


def _source(model: Model, sha256: str | None) -> Source:
    from synapse_cli.backends.catalog_source import parse

    return parse(source_of(model), sha256 or model.sha256)


def _pulled(model: Model, source: Source, *, update: bool, memory: str | None) -> Pulled:
    from synapse_cli.backends.catalog_paths import lock_for
    from synapse_cli.backends.catalog_pull import Tell
    from synapse_cli.backends.catalog_pull import pull as fetch
    from synapse_cli.cli.models_progress import Ticker

    ticker = Ticker()
    try:
        tell = Tell(ticker.step, ticker.say)
        return fetch(source, lock=lock_for(model), update=update, memory=memory_of(memory), tell=tell)
    finally:
        ticker.wipe()


def memory_of(memory: str | None) -> int:
    """What a model may take, as asked or as this machine has it. Raises UsageError."""
    from synapse_cli.backends.catalog_info import default_memory
    from synapse_cli.core.errors import UsageError
    from synapse_cli.profile.units import size_bytes

    if memory is None:
        return default_memory()
    try:
        return size_bytes(memory)
    except ValueError as error:
        raise UsageError(f"--memory {memory}: expected {error}") from error


def _convert_minilm(*, json: bool) -> None:
    from synapse_cli.backends import minilm
    from synapse_cli.report.problem import say

    path = minilm.ready(os.environ, say)
    if not print_rows([{"source": minilm.SOURCE, "path": path}], jsonl=json):
        typer.echo(f"minilm is ready: {path}")


def _say_it_is_here(model: Model, *, json: bool) -> None:
    from synapse_cli.backends.catalog_paths import model_path
    from synapse_cli.backends.gguf import read_header

    path = model_path(model)
    read_header(path, "any")
    if not print_rows([{"source": model.source, "path": path}], jsonl=json):
        typer.echo(f"{model.name} is here already: {path}")


def _tell(done: Pulled, name: str, *, json: bool) -> None:
    row: dict[str, Json] = {
        "source": done.source,
        "path": done.path,
        "lock": done.lock,
        "why": done.why,
        "fetched": done.fetched,
        **_told(done.pin),
        "former": done.former.revision if done.former else None,
    }
    if print_rows([row], jsonl=json):
        return
    file = os.path.basename(done.pin.files[0].name)
    parts = f", {len(done.pin.files)} parts" if len(done.pin.files) > 1 else ""
    verb = "pulled" if done.fetched else "is here already:"
    what = f"{file} ({done.pin.size / 1e6:,.1f} MB{parts}, {done.why})"
    typer.echo(f"{verb} {what}" if done.fetched else f"{name} {verb} {what}")
    licence = f", licence {done.pin.licence}" if done.pin.licence else ""
    typer.echo(f"pinned to {_revision(done.pin)} in {done.lock}{licence}")
    if done.former is not None:
        typer.echo(f"the former one is kept: synapse models rollback {name}")


def _told(found: Pin) -> dict[str, Json]:
    files: list[Json] = [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in found.files]
    return {"revision": found.revision, "licence": found.licence, "files": files}


def _revision(found: Pin) -> str:
    commit = f"{found.revision[:12]}, " if found.revision else ""
    return f"{commit}sha256 {found.files[0].sha256[:12]}…"
