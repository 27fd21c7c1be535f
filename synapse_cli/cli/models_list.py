"""`synapse models list`: what can be asked here, and with --hosted what the providers have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import print_rows, print_table
from synapse_cli.core.errors import BackendError, KeyMissing, ModelMissing, SynapseError, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.report.numbers import money

if TYPE_CHECKING:
    from synapse_cli.backends.catalog_hosted import HostedModel
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.session import Session
    from synapse_cli.profile.model import Model, Profile

_MOST_AT_ONCE = 8


def list_models(
    *,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
    hosted: Annotated[bool, typer.Option("--hosted", help="Ask the providers what they have.")] = False,
    provider: Annotated[
        list[str] | None, typer.Option("--provider", metavar="NAME", help="Only this one (repeatable).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List models: where each runs, its price, its state.

    First the profile's models, then aliases, then what was pulled beside them. The last column says whether it can be
    asked now, and if not, why. --hosted asks every provider with a key here for its list, with price, window and the
    day a model goes.

    Examples:

      synapse models list --json | jq -r '.[].name'

      synapse models list --hosted --provider groq
    """
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    witness = Witness()
    found = find_profile(profile, witness)
    if hosted or provider:
        _list_hosted(found, tuple(provider or ()), json=json, jsonl=jsonl)
        return
    rows = _rows(found, witness)
    if not print_rows(rows, json=json, jsonl=jsonl):
        _print(rows)


def _rows(profile: Profile, witness: Witness) -> list[dict[str, Json]]:
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session

    session = Session(profile, Ask(prompt=""), witness)
    declared = [_row(session, model, "profile") for model in profile.models.values()]
    named = _aliased(session)
    sources = {row["model"] for row in (*declared, *named)}
    return [*declared, *named, *(_row(session, model, "store") for model in _pulled() if model.source not in sources)]


def _row(session: Session, model: Model, of: str) -> dict[str, Json]:
    from synapse_cli.flows.wiring import model_path

    row: dict[str, Json] = {
        "name": model.name,
        "backend": model.backend,
        "model": model.model or model.source,
        "of": of,
    }
    try:
        facts = session.facts(model)
        row |= {
            "where": "local" if facts.is_local else "hosted",
            "window": facts.context_tokens,
            "input_usd_per_million": money(facts.price.input) if facts.price else None,
            "output_usd_per_million": money(facts.price.output) if facts.price else None,
            "notice": facts.notice,
        }
        session.check_keys(model)
        if model.backend == "student":
            from synapse_cli.learned.student import load

            load((model.source or "").removeprefix("file:"))
        elif (path := model_path(model)) is not None:
            from synapse_cli.backends.gguf import read_header

            read_header(path, "any" if model.backend == "encoder" or of != "profile" else "text")
        row |= {"state": "ready", "problem": None}
    except SynapseError as error:
        row |= {"state": _state(error), "problem": error.message}
    return row


def _state(error: SynapseError) -> str:
    if isinstance(error, ModelMissing):
        return "to be pulled" if "synapse models pull" in error.hint else "missing"
    if isinstance(error, KeyMissing):
        return "key missing"
    return "unusable" if isinstance(error, BackendError) else "refused"


def _aliased(session: Session) -> list[dict[str, Json]]:
    """The rows of aliases; one that means nothing has its row too."""
    from synapse_cli.backends.prices import find
    from synapse_cli.profile import aliases
    from synapse_cli.profile.load import ad_hoc_model

    known = aliases.known(os.environ)
    rows: list[dict[str, Json]] = []
    for name, target in known.items():
        if name in session.profile.models:
            continue
        try:
            rows.append(_row(session, ad_hoc_model(name, session.profile, lookup=find, alias=known.get), "alias"))
        except UsageError as error:
            rows.append({"name": name, "model": target, "of": "alias", "state": "unusable", "problem": error.message})
    return rows


def _pulled() -> list[Model]:
    """What the user's own lock pins, by its source."""
    from synapse_cli.backends import catalog_lock
    from synapse_cli.profile.model import Model

    pins = catalog_lock.read(catalog_lock.own_path(os.environ))
    return [Model(name=source, backend="llama.cpp", source=source) for source in pins if not source.startswith("file:")]


def _print(rows: list[dict[str, Json]]) -> None:
    header = ("name", "where", "model", "window", "$ in/out per M", "now")
    print_table(header, [_cells(row) for row in rows], "the profile has no models")
    for row in rows:
        if row.get("notice"):
            typer.echo(f"{row['name']}: {row['notice']}", err=True)


def _cells(row: dict[str, Json]) -> tuple[str, ...]:
    return (
        str(row["name"]),
        str(row.get("where") or "?"),
        str(row["model"] or "-"),
        str(row.get("window") or "?"),
        _price(row),
        str(row["problem"] or "ready"),
    )


def _price(row: dict[str, Json]) -> str:
    price = f"{row.get('input_usd_per_million') or '?'} / {row.get('output_usd_per_million') or '?'}"
    return "0" if price == "0 / 0" else price


def _list_hosted(profile: Profile, only: tuple[str, ...], *, json: bool, jsonl: bool) -> None:
    from synapse_cli.report.problem import warn

    found, failures = _asked(profile, only)
    fatal = failures.pop() if failures and not found else None
    for failure in failures:
        warn(f"{failure.message} ({failure.hint})" if failure.hint else failure.message)
    if fatal is not None:
        raise fatal
    rows = [_hosted_row(each) for each in found]
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    cells = [
        (str(r["name"]), str(r["mode"] or "-"), str(r["window"] or "?"), _price(r), str(r["deprecated_on"] or "-"))
        for r in rows
    ]
    print_table(("name", "for", "window", "$ in/out per M", "goes"), cells, "the providers list no models")


def _asked(profile: Profile, only: tuple[str, ...]) -> tuple[list[HostedModel], list[SynapseError]]:
    """Ask every provider at once; one that fails costs a line and not the others."""
    from concurrent.futures import ThreadPoolExecutor

    from synapse_cli.backends.catalog_hosted import list_models as ask
    from synapse_cli.cli.models_keys import asks

    wanted, failures = asks(profile, only)
    found: dict[str, HostedModel] = {}
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        for future in [pool.submit(ask, each.provider, each.key, each.base_url) for each in wanted]:
            try:
                found |= {model.name: model for model in future.result()}
            except SynapseError as error:
                failures.append(error)
    return [found[name] for name in sorted(found)], failures


def _hosted_row(model: HostedModel) -> dict[str, Json]:
    return {
        "name": model.name,
        "mode": model.mode,
        "window": model.context_tokens,
        "input_usd_per_million": money(model.price.input) if model.price else None,
        "output_usd_per_million": money(model.price.output) if model.price else None,
        "deprecated_on": model.deprecated_on,
    }
