"""The flags of `bench`, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

_WHO = "Who is compared"
_WHAT = "What they are asked"
_HOW = "How it is measured"
_LIMIT = "Limits (exit code 100 where one is missed)"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchFlags:
    """One field a flag, in the order of `--help`."""

    prompt: Annotated[
        list[str] | None, typer.Argument(metavar="[PROMPT]...", help="Each argument is a prompt of its own.")
    ] = None
    model: Annotated[
        list[str] | None,
        _option("-m", "--model", help="A model, as for run (repeatable).", panel=_WHO, metavar="NAME|PATH"),
    ] = None
    route: Annotated[
        list[str] | None, _option("-r", "--route", help="A route (repeatable).", panel=_WHO, metavar="NAME")
    ] = None
    cascade: Annotated[
        list[str] | None, _option("--cascade", help="A cascade (repeatable).", panel=_WHO, metavar="NAME")
    ] = None
    profile: Annotated[
        list[str] | None,
        _option("--profile", help="Profile; several are compared.", panel=_WHO, metavar="NAME|PATH"),
    ] = None
    baseline: Annotated[
        str | None,
        _option("--baseline", help="Whom to compare with (default: the first).", panel=_WHO, metavar="CANDIDATE"),
    ] = None
    local_only: Annotated[bool, _option("--local-only", help="Never leave this machine.", panel=_WHO)] = False
    hosted_only: Annotated[bool, _option("--hosted-only", help="Skip local models.", panel=_WHO)] = False
    file: Annotated[
        list[str] | None,
        _option(
            "-f",
            "--file",
            help="Rows of prompt, input, expected, choices, schema, grade (.jsonl, .json, .csv, .tsv); or text.",
            panel=_WHAT,
            metavar="FILE",
        ),
    ] = None
    column: Annotated[
        list[str] | None,
        _option(
            "--column",
            help="Which column is the prompt, the input or what is expected.",
            panel=_WHAT,
            metavar="expected=NAME",
        ),
    ] = None
    grade: Annotated[
        str | None,
        _option(
            "--grade",
            help="exact, contains, regex, choices, number, json, schema, command, judge.",
            panel=_WHAT,
            metavar="KIND[=ARG]",
        ),
    ] = None
    judge: Annotated[
        str | None,
        _option(
            "--judge", help="A model that scores each answer, not knowing whose it is.", panel=_WHAT, metavar="MODEL"
        ),
    ] = None
    rubric: Annotated[
        str | None, _option("--rubric", help="What the judge goes by, or @FILE.", panel=_WHAT, metavar="TEXT")
    ] = None
    system: Annotated[
        str | None, _option("-s", "--system", help="System prompt, or @FILE.", panel=_WHAT, metavar="TEXT")
    ] = None
    schema: Annotated[
        str | None, _option("--schema", help="JSON Schema that answers must match.", panel=_WHAT, metavar="FILE")
    ] = None
    choices: Annotated[
        str | None, _option("--choices", help="Answers are one of these.", panel=_WHAT, metavar="A,B,C")
    ] = None
    grammar: Annotated[
        str | None,
        _option("--grammar", help="GBNF grammar that answers must match (local).", panel=_WHAT, metavar="FILE"),
    ] = None
    effort: Annotated[
        str | None,
        _option("--effort", help="How much to think first (none to high).", panel=_WHAT, metavar="LEVEL"),
    ] = None
    param: Annotated[
        list[str] | None,
        _option("--param", help="Parameter of the models (repeatable).", panel=_WHAT, metavar="KEY=VALUE"),
    ] = None
    encoding: Annotated[
        str | None, _option("--encoding", help="Encoding of files and stdin.", panel=_WHAT, metavar="NAME")
    ] = None
    repeat: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--repeat",
            min=1,
            max=100_000,
            rich_help_panel=_HOW,
            metavar="N",
            help="How often each prompt is asked (default: enough for 10 calls).",
        ),
    ] = None
    warm_up: Annotated[
        int,
        typer.Option(
            "--warm-up", min=0, max=1000, rich_help_panel=_HOW, metavar="N", help="Calls that are not counted, first."
        ),
    ] = 1
    concurrency: Annotated[
        int,
        typer.Option(
            "-c", "--concurrency", min=1, max=1000, rich_help_panel=_HOW, metavar="N", help="Calls at the same time."
        ),
    ] = 1
    seed: Annotated[int, _option("--seed", help="Seed of the order and of the intervals.", panel=_HOW, metavar="N")] = 0
    timeout: Annotated[
        str | None, _option("--timeout", help="Seconds that one call may take.", panel=_HOW, metavar="30")
    ] = None
    max_time: Annotated[
        str | None, _option("--max-time", help="Time after which no call is begun.", panel=_HOW, metavar="10m")
    ] = None
    max_cost: Annotated[
        str | None, _option("--max-cost", help="Dollars that the whole bench may cost.", panel=_HOW, metavar="0.50")
    ] = None
    no_host: Annotated[bool, _option("--no-host", help="Run models in this process.", panel=_HOW)] = False
    force: Annotated[bool, _option("--force", help="Ask also a model that ended its host twice.", panel=_HOW)] = False
    no_log: Annotated[bool, _option("--no-log", help="Leave no record.", panel=_HOW)] = False
    against: Annotated[
        str | None,
        _option("--against", help="Compare with a bench that was saved.", panel=_LIMIT, metavar="FILE"),
    ] = None
    fail_under: Annotated[str | None, _option("--fail-under", help="Least quality.", panel=_LIMIT, metavar="0.9")] = (
        None
    )
    max_slower: Annotated[
        str | None, _option("--max-slower", help="How much slower it may be.", panel=_LIMIT, metavar="10%")
    ] = None
    max_dearer: Annotated[
        str | None, _option("--max-dearer", help="How much dearer it may be.", panel=_LIMIT, metavar="5%")
    ] = None
    format: Annotated[
        str | None,
        _option("--format", help="table, json, jsonl, csv or markdown.", panel=_OUTPUT, metavar="FORMAT"),
    ] = None
    json: Annotated[bool, _option("--json", help="The same as --format json.", panel=_OUTPUT)] = False
    save: Annotated[str | None, _option("--save", help="Keep every call in a file.", panel=_OUTPUT, metavar="FILE")] = (
        None
    )
    outcomes: Annotated[
        str | None, _option("--outcomes", help="Write the grades as a table for tune.", panel=_OUTPUT, metavar="FILE")
    ] = None
    no_text: Annotated[bool, _option("--no-text", help="Save no prompts and answers.", panel=_OUTPUT)] = False
    resume: Annotated[
        bool, _option("--resume", help="Go on where this bench was cut short (--save does).", panel=_OUTPUT)
    ] = False
    plot: Annotated[
        str | None, _option("--plot", help="Draw cost, time and quality.", panel=_OUTPUT, metavar="FILE.svg|FILE.png")
    ] = None
    dry_run: Annotated[
        bool, _option("--dry-run", help="Say what would be asked, and what it could cost.", panel=_OUTPUT)
    ] = False
    bars: Annotated[
        bool | None,
        typer.Option("--bars/--no-bars", help="Bars below the table.", rich_help_panel=_OUTPUT),
    ] = None
    verbose: Annotated[bool, _option("-v", "--verbose", help="Say on stderr how each call went.", panel=_OUTPUT)] = (
        False
    )
    quiet: Annotated[bool, _option("-q", "--quiet", help="Say nothing but errors.", panel=_OUTPUT)] = False
    no_color: Annotated[bool, _option("--no-color", help="No colour.", panel=_OUTPUT)] = False
    debug: Annotated[bool, _option("--debug", help="Show the chain of causes of an error.", panel=_OUTPUT)] = False
