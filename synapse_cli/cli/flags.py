"""The flags that `run`, `explain` and `key` share, declared once; and how a command takes a class of flags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Annotated, TypeVar

if TYPE_CHECKING:
    import typer

F = TypeVar("F", bound=Callable[..., int])
_CHOICE = "Which model"
_PROMPT = "What it is asked"
_MONEY = "Money and time"
_KEPT = "Cache and record"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    import typer

    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """One field a flag, in the order of `--help`."""

    prompt: Annotated[
        list[str] | None, typer.Argument(metavar="[PROMPT]...", help="The prompt; `-` alone places stdin there.")
    ] = None
    file: Annotated[
        list[str] | None,
        _option(
            "-f", "--file", help="Add a file, named and fenced; globs; `-` is stdin.", panel=_PROMPT, metavar="FILE"
        ),
    ] = None
    system: Annotated[
        str | None, _option("-s", "--system", help="System prompt, or @FILE.", panel=_PROMPT, metavar="TEXT")
    ] = None
    template: Annotated[
        str | None, _option("-t", "--template", help="Prompt template of the profile.", panel=_PROMPT, metavar="NAME")
    ] = None
    param_of_template: Annotated[
        list[str] | None,
        _option("-p", help="Parameter of the template (repeatable).", panel=_PROMPT, metavar="KEY=VALUE"),
    ] = None
    schema: Annotated[
        str | None,
        _option("--schema", help="JSON Schema that the answer must match.", panel=_PROMPT, metavar="FILE"),
    ] = None
    choices: Annotated[
        str | None, _option("--choices", help="The answer is one of these.", panel=_PROMPT, metavar="A,B,C")
    ] = None
    grammar: Annotated[
        str | None,
        _option(
            "--grammar", help="GBNF grammar that the answer must match (local tiers).", panel=_PROMPT, metavar="FILE"
        ),
    ] = None
    encoding: Annotated[
        str | None, _option("--encoding", help="Encoding of files and stdin.", panel=_PROMPT, metavar="NAME")
    ] = None
    model: Annotated[
        str | None,
        _option(
            "-m", "--model", help="Model of the profile, provider/id, or PATH.gguf.", panel=_CHOICE, metavar="NAME|PATH"
        ),
    ] = None
    route: Annotated[
        str | None, _option("-r", "--route", help="Route of the profile.", panel=_CHOICE, metavar="NAME")
    ] = None
    task: Annotated[
        str | None, _option("--task", help="Kind of request; takes the route for it.", panel=_CHOICE, metavar="NAME")
    ] = None
    tag: Annotated[
        list[str] | None, _option("--tag", help="Tag for the rules (repeatable).", panel=_CHOICE, metavar="TAG")
    ] = None
    tier: Annotated[str | None, _option("--tier", help="Only this tier.", panel=_CHOICE, metavar="NAME")] = None
    max_tier: Annotated[
        str | None, _option("--max-tier", help="Climb no higher than this tier.", panel=_CHOICE, metavar="NAME")
    ] = None
    local_only: Annotated[bool, _option("--local-only", help="Never leave this machine.", panel=_CHOICE)] = False
    hosted_only: Annotated[bool, _option("--hosted-only", help="Skip local models.", panel=_CHOICE)] = False
    max_latency: Annotated[
        str | None, _option("--max-latency", help="Pass over slower models.", panel=_CHOICE, metavar="2s")
    ] = None
    min_quality: Annotated[
        str | None, _option("--min-quality", help="Pass over worse models.", panel=_CHOICE, metavar="0.9")
    ] = None
    profile: Annotated[str | None, _option("--profile", help="Profile to use.", panel=_CHOICE, metavar="NAME|PATH")] = (
        None
    )
    seed: Annotated[int | None, _option("--seed", help="Seed of sampling.", panel=_CHOICE, metavar="N")] = None
    param: Annotated[
        list[str] | None,
        _option("--param", help="Parameter of the model (repeatable).", panel=_CHOICE, metavar="KEY=VALUE"),
    ] = None
    effort: Annotated[
        str | None,
        _option(
            "--effort",
            help="How much to think first: none, minimal, low, medium, high.",
            panel=_CHOICE,
            metavar="LEVEL",
        ),
    ] = None
    tenant: Annotated[
        str | None, _option("--tenant", help="On whose behalf (or SYNAPSE_TENANT).", panel=_CHOICE, metavar="NAME")
    ] = None
    no_host: Annotated[
        bool, _option("--no-host", help="Run models in this process, and leave none warm.", panel=_CHOICE)
    ] = False
    force: Annotated[bool, _option("--force", help="Ask also a model that ended its host twice.", panel=_CHOICE)] = (
        False
    )
    max_cost: Annotated[
        str | None, _option("--max-cost", help="Dollars this run may cost.", panel=_MONEY, metavar="0.05")
    ] = None
    timeout: Annotated[
        str | None, _option("--timeout", help="Seconds the whole run may take.", panel=_MONEY, metavar="30")
    ] = None
    no_cache: Annotated[bool, _option("--no-cache", help="Neither read nor write the cache.", panel=_KEPT)] = False
    refresh: Annotated[bool, _option("--refresh", help="Ask again, and keep the new answer.", panel=_KEPT)] = False
    cache_only: Annotated[bool, _option("--cache-only", help="Answer from the cache or fail.", panel=_KEPT)] = False
    cache_ttl: Annotated[
        str | None, _option("--cache-ttl", help="Keep the answer this long.", panel=_KEPT, metavar="90s|2h|7d")
    ] = None
    no_log: Annotated[bool, _option("--no-log", help="Leave no record.", panel=_KEPT)] = False
    extract: Annotated[
        bool, _option("-x", "--extract", help="Print only the last fenced block of the answer.", panel=_OUTPUT)
    ] = False
    output: Annotated[
        str | None, _option("-o", "--output", help="Write the answer to a file.", panel=_OUTPUT, metavar="FILE")
    ] = None
    stream: Annotated[
        bool | None, typer.Option("--stream/--no-stream", help="Print as it is written.", rich_help_panel=_OUTPUT)
    ] = None
    thinking: Annotated[
        bool, _option("--thinking", help="Print on stderr what the model says to itself.", panel=_OUTPUT)
    ] = False
    json: Annotated[bool, _option("--json", help="Print one JSON object.", panel=_OUTPUT)] = False
    dry_run: Annotated[bool, _option("--dry-run", help="Say what would be done, and do not.", panel=_OUTPUT)] = False
    verbose: Annotated[
        bool, _option("-v", "--verbose", help="Say on stderr what happens, step by step.", panel=_OUTPUT)
    ] = False
    quiet: Annotated[bool, _option("-q", "--quiet", help="Say nothing but errors.", panel=_OUTPUT)] = False
    no_color: Annotated[bool, _option("--no-color", help="No colour.", panel=_OUTPUT)] = False
    debug: Annotated[bool, _option("--debug", help="Show the chain of causes of an error.", panel=_OUTPUT)] = False


def takes_flags(function: F) -> F:
    """Mark a function whose one argument is a class of flags. Typer, which half of a run is spent on, loads later."""
    function.takes_flags = True  # type: ignore[attr-defined]  # read by `spelled_out`
    return function


def spelled_out(function: Callable[..., int]) -> Callable[..., int]:
    """Give a function of a class of flags the signature that typer reads: one parameter a field; others stay."""
    if not hasattr(function, "takes_flags"):
        return function
    import inspect
    from typing import get_type_hints

    import typer

    kind = get_type_hints(function)["flags"]
    hints = get_type_hints(kind, localns={"typer": typer}, include_extras=True)
    parameters = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(kind)
        if f.default is not MISSING
    ]

    def command(**values: object) -> int:
        return function(kind(**values))

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
