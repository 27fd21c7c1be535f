"""`synapse prices`: what models cost, who says so, and what the user says instead."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import print_rows, print_table
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.backends.prices_told import Told
    from synapse_cli.core.completion import Price

app = typer.Typer(
    help="Show what models cost, and say it better.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]
AsJsonl = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")]
Choice = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")]
_LEAST = Decimal("0.0001")
_PER_MILLION = "dollars per million tokens"
_FEW = 5
"""Models whose dearer prices of long prompts are told one by one."""


@app.callback()
def prices() -> None:
    """Show what models cost, and say it better."""


@app.command()
def show(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="A model of the profile, provider/id, or a glob.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every model whose price is known.")] = False,
    profile: Choice = None,
    json: AsJson = False,
    jsonl: AsJsonl = False,
) -> None:
    """Show prices in dollars per million tokens, and where they come from.

    Without MODEL those of the profile. A price of the profile goes before an override, that before a list that was
    taken in, and that before the catalogue. Nothing is asked over the network.

    Examples:

      synapse prices show openai/gpt-5-mini

      synapse prices show 'gemini/*flash*' --json | jq -r '.[] | [.model, .input, .output] | @tsv'
    """
    from synapse_cli.backends.prices_told import told_json
    from synapse_cli.cli.prices_named import wanted

    found = wanted(models or [], profile, everything=everything)
    if not print_rows([told_json(each) for each in found], json=json, jsonl=jsonl):
        print_table(_HEADER, [_cells(each) for each in found], "the profile has no models")
        _tell_steps(found)


@app.command()
def unknown(*, profile: Choice = None, json: AsJson = False, jsonl: AsJsonl = False) -> None:
    """List models whose price nobody knows: of the profile, and of recorded calls.

    What such a call costs is shown as $?, and a run with a money limit does not ask it.

    Example:

      synapse prices unknown --json | jq -r '.[].model'
    """
    from synapse_cli.cli.prices_named import unpriced

    rows = unpriced(profile)
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    cells = [(str(r["name"]), str(r["model"] or "-"), str(r["calls"]), str(r["now"])) for r in rows]
    print_table(("name", "model", "calls without a price", "now"), cells, "every price is known")
    still = next((row for row in rows if row["now"] == "unknown"), None)
    if still is not None:
        typer.echo(f"synapse prices override {still['model'] or still['name']} --input 0.25 --output 2", err=True)


@app.command()
def update(
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A JSON file of prices.")] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to the list before the newest.")] = False,
    json: AsJson = False,
    jsonl: AsJsonl = False,
) -> None:
    """Take in a list of prices, which then goes before the catalogue.

    FILE is LiteLLM's model_prices_and_context_window.json, or {"openai/gpt-5-mini": {"input": 0.25, "output": 2}}
    in dollars per million tokens. It is checked as a whole, and copied: FILE is not needed any more. Without FILE
    the lists that were taken in are shown; the newest counts.

    Examples:

      synapse prices update model_prices_and_context_window.json

      synapse prices update --remove
    """
    from datetime import UTC, datetime

    from synapse_cli.backends import prices_keep, prices_own

    if remove and file is not None:
        raise UsageError("--remove takes no FILE", "synapse prices update --remove goes back to the list before")
    if remove:
        gone, now = prices_keep.drop_list(os.environ)
        typer.echo(f"gone: {_list_line(gone)}", err=True)
        typer.echo(f"now: {_list_line(now) if now else 'the catalogue'}", err=True)
        return
    if file is not None:
        taken = prices_keep.update(file, os.environ, datetime.now(UTC).astimezone())
        typer.echo(f"taken in: {_list_line(taken)}", err=True)
        if not json and not jsonl:
            return
    rows = list(reversed(prices_own.own(os.environ).lists))
    if not print_rows(rows, json=json, jsonl=jsonl):
        cells = [(str(r["number"]), str(r["at"])[:16], str(r["models"]), str(r["file"])) for r in rows]
        print_table(("list", "taken in", "models", "from"), cells, "no list was taken in: the catalogue counts")


@app.command()
def override(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the profile, or provider/id.")],
    *,
    asked: Annotated[str | None, typer.Option("--input", metavar="USD", help="Per million tokens asked.")] = None,
    said: Annotated[str | None, typer.Option("--output", metavar="USD", help="Per million tokens answered.")] = None,
    cached: Annotated[
        str | None, typer.Option("--cached", metavar="USD", help="Per million asked that its cache held.")
    ] = None,
    written: Annotated[
        str | None, typer.Option("--written", metavar="USD", help="Per million asked that its cache keeps.")
    ] = None,
    reasoning: Annotated[
        str | None, typer.Option("--reasoning", metavar="USD", help="Per million tokens thought.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget what was said of this model.")] = False,
    profile: Choice = None,
) -> None:
    """Say what a model costs, in dollars per million tokens.

    What is not said stays as it is. Calls that are recorded already keep what they cost then.

    Examples:

      synapse prices override openai/gpt-5-mini --input 0.25 --output 2 --cached 0.025

      synapse prices override openai/gpt-5-mini --remove
    """
    from synapse_cli.backends import prices_keep
    from synapse_cli.cli.prices_named import named

    given = {"input": asked, "output": said, "cached": cached, "written": written, "reasoning": reasoning}
    if remove and any(value is not None for value in given.values()):
        raise UsageError("--remove takes no price", "give one or the other")
    found = named(model, profile)
    if found.source == "local" or "/" not in found.model:
        raise UsageError(f"{model} runs here and costs nothing", "give it a price = { … } in its profile")
    if remove:
        prices_keep.drop_override(found.model, os.environ)
    else:
        prices_keep.override(found.model, _new_price(found, given), os.environ)
        if found.source == "profile":
            from synapse_cli.report.problem import warn

            warn(f"the profile's own price of {found.name} goes before it ({found.detail})")
    now = named(found.model, profile)
    typer.echo(f"{now.model}: {_line(now)}", err=True)


_HEADER = ("model", "input", "output", "cached", "written", "window", "max output", "from")


def _cells(found: Told) -> tuple[str, ...]:
    price = found.price
    name = found.name if found.name == found.model or found.source == "local" else f"{found.name} ({found.model})"
    numbers = (price.input, price.output, price.cached, price.written) if price else (None,) * 4
    return (
        name,
        *(("?" if price is None else "-") if number is None else _plain(number) for number in numbers),
        str(found.context_tokens or "-"),
        str(found.max_output_tokens or "-"),
        " · ".join(part for part in (found.source or "unknown", found.detail) if part),
    )


def _tell_steps(found: list[Told]) -> None:
    """Dearer prices of long prompts, on stderr: the table is of what a call costs otherwise."""
    for each in found if len(found) <= _FEW else ():
        for step in each.price.steps if each.price else ():
            typer.echo(
                f"{each.name}: a call of more than {step.above:,} tokens costs"
                f" {_plain(step.input)} / {_plain(step.output)}",
                err=True,
            )


def _line(found: Told) -> str:
    if found.price is None:
        return "unknown"
    return f"{_plain(found.price.input)} / {_plain(found.price.output)} {_PER_MILLION} ({found.source})"


def _list_line(told: dict[str, Json]) -> str:
    models = "model" if told["models"] == 1 else "models"
    return f"{told['models']} {models} from {told['file']} ({str(told['at'])[:10]})"


def _new_price(found: Told, given: dict[str, str | None]) -> Price:
    from synapse_cli.core.completion import Price

    said = {name: _amount(f"--{name}", text) for name, text in given.items() if text is not None}
    if not said:
        raise UsageError("no price was given", "for example --input 0.25 --output 2, in dollars per million tokens")
    if found.price is None and not {"input", "output"} <= said.keys():
        raise UsageError(f"the price of {found.model} is unknown", "give both --input and --output")
    old = found.price
    kept = {name: getattr(old, name) for name in given} if old is not None else {}
    return Price(**{**kept, **said})


def _amount(flag: str, text: str) -> Decimal:
    from synapse_cli.core.price_form import dollars

    example = f"for example {flag} 0.25, in {_PER_MILLION}"
    try:
        amount = dollars(text.strip().removeprefix("$"))
    except ValueError as error:
        raise UsageError(f"{flag} takes dollars, found {text!r}", example) from error
    if 0 < amount < _LEAST:
        raise UsageError(f"{flag} {text} looks like dollars per token", example)
    return amount


def _plain(amount: Decimal) -> str:
    from synapse_cli.report.numbers import money

    return money(amount) or "?"
