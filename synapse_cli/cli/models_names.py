"""`synapse models add`, `alias`, `scan`: give models that are here already a short name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import as_size, print_rows, print_table
from synapse_cli.core.errors import BackendError, InputError, UsageError

if TYPE_CHECKING:
    from synapse_cli.backends.catalog_scan import Found
    from synapse_cli.core.prompt import Json

_JSON = typer.Option("--json", help="Print one JSON array.")
_JSONL = typer.Option("--jsonl", help="Print one JSON object a line.")


def add(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A GGUF file; of a split one the first part.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its short name.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy it into the store, so that the original may go.")] = False,
) -> None:
    """Give a file a short name that -m understands.

    The file is checked and stays where it is.

    Example:

      synapse models add ~/Downloads/phi-4-mini-q4.gguf phi
    """
    from synapse_cli.backends.gguf import read_header
    from synapse_cli.profile import aliases

    whole = os.path.abspath(os.path.expanduser(path))
    header = read_header(whole, "any")
    name = name or _short(os.path.splitext(os.path.basename(whole))[0])
    target = f"file:{_copied(whole, len(header.parts) > 1) if copy else whole}"
    at = aliases.write(name, target, os.environ)
    typer.echo(f"{name} means {target}, as {at} says")
    typer.echo(f'for a profile: [models.{_key(name)}] backend = "llama.cpp", source = "{target}"')


def alias(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The short name; without one all are listed.")
    ] = None,
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="hf:…, PATH.gguf or provider/id.")] = None,
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Take the name away; nothing else goes.")] = False,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Give a model a short name, or list the names.

    Examples:

      synapse models alias fast groq/openai/gpt-oss-20b

      synapse models alias
    """
    from synapse_cli.profile import aliases

    if name is None:
        known = aliases.known(os.environ)
        rows: list[dict[str, Json]] = [{"name": key, "target": value} for key, value in known.items()]
        if not print_rows(rows, json=json):
            print_table(("name", "means"), list(known.items()), "there are no aliases")
        return
    if delete == (target is not None):
        raise UsageError("name what it should mean, or --delete", "synapse models alias NAME TARGET")
    if delete and name not in aliases.known(os.environ):
        raise UsageError(f"there is no alias {name!r}", "synapse models alias lists them")
    meaning = None if target is None else _target(target)
    at = aliases.write(name, meaning, os.environ)
    typer.echo(f"{name} means {meaning}, as {at} says" if meaning else f"{name} means nothing any more")


def scan(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Folders and files to look at.")
    ] = None,
    *,
    add_all: Annotated[bool, typer.Option("--add", help="Give each usable one a short name.")] = False,
    json: Annotated[bool, _JSON] = False,
    jsonl: Annotated[bool, _JSONL] = False,
) -> None:
    """Find GGUF files that other tools brought here.

    Those of Hugging Face, Ollama, LM Studio and llama.cpp. They are used in place: -m PATH, or a short name with --add.

    Examples:

      synapse models scan

      synapse models scan /data/models --add
    """
    from synapse_cli.backends.catalog_scan import scan as look

    found = look(paths or [], os.environ)
    names = _added(found) if add_all else {}
    rows = [_row(each, names.get(each.path)) for each in found]
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    cells = [
        (names.get(e.path, e.name), e.tool, as_size(e.size), e.quantization or "-", e.problem or "usable", e.path)
        for e in found
    ]
    print_table(("name", "of", "size", "quantization", "is", "path"), cells, "no GGUF files were found")


def _copied(path: str, is_split: bool) -> str:
    """The path of a copy in the store, pinned so that `prune` leaves it alone."""
    from synapse_cli.backends.catalog_copy import copy

    if is_split:
        raise UsageError("a split model cannot be copied", "add it where it is, without --copy")
    try:
        return copy(path)
    except OSError as error:
        raise InputError(
            f"cannot copy {path}: {error.strerror or error}", "add it where it is, without --copy"
        ) from error


def _target(text: str) -> str:
    """What is written down: a source that exists in form, a file by its whole path, or provider/id."""
    if text.startswith("hf:"):
        from synapse_cli.backends.catalog_source import parse

        return parse(text).text
    if text.endswith(".gguf") or text.startswith(("file:", "./", "../", "/", "~")):
        path = os.path.abspath(os.path.expanduser(text.removeprefix("file:")))
        if not os.path.exists(path):
            raise InputError(f"there is no file {path}", "check the path")
        return f"file:{path}"
    if "/" in text or text.startswith("https:"):
        return text
    raise UsageError(f"{text!r} is no model's source", "hf:OWNER/REPO/FILE, PATH.gguf or provider/id")


def _added(found: list[Found]) -> dict[str, str]:
    """Give each usable file a name of its own; return the names by path."""
    from synapse_cli.backends.gguf import read_header
    from synapse_cli.profile import aliases

    known = aliases.known(os.environ)
    names: dict[str, str] = {}
    for each in found:
        target = f"file:{each.path}"
        had = next((name for name, meaning in known.items() if meaning == target), None)
        if had is not None:
            names[each.path] = had
            continue
        try:
            read_header(each.path, "any")
        except BackendError:
            continue
        name = _free(_short(each.name), known)
        aliases.write(name, target, os.environ)
        known[name] = target
        names[each.path] = name
    return names


def _row(each: Found, alias_of: str | None) -> dict[str, Json]:
    return {
        "name": each.name,
        "alias": alias_of,
        "tool": each.tool,
        "path": each.path,
        "bytes": each.size,
        "architecture": each.architecture,
        "quantization": each.quantization,
        "problem": each.problem,
    }


def _short(text: str) -> str:
    """A name that -m takes, from a file's."""
    return re.sub(r"[^A-Za-z0-9_.:+-]+", "-", text).strip("-.:+").lower() or "model"


def _free(name: str, taken: dict[str, str]) -> str:
    candidate, number = name, 2
    while candidate in taken or candidate in {"nano", "minilm"}:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
