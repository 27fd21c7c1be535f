"""Find the command that was typed, and import only that one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from synapse_cli.cli.flags import spelled_out

if TYPE_CHECKING:
    from typer._click import Command
    from typer._click import Context as ClickContext

    from synapse_cli.core.errors import UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("synapse_cli.cli.run:run", "Answer a prompt with the cheapest model that is good enough."),
    "embed": ("synapse_cli.cli.embed:embed", "Turn texts into vectors."),
    "similar": ("synapse_cli.cli.similar:similar", "Rank lines by how near they are in meaning to a question."),
    "explain": ("synapse_cli.cli.explain:explain", "Say which way a prompt would take, and why, without asking."),
    "key": ("synapse_cli.cli.key:key", "Print the content address of a request, for Make."),
    "bench": ("synapse_cli.cli.bench:bench", "Compare models, routes and cascades: time, money, quality."),
    "route": ("synapse_cli.cli.route:app", "List routes, and measure how well prompts find theirs."),
    "tune": ("synapse_cli.cli.tune:app", "Make a policy that saves, and say what can be promised of it."),
    "lab": ("synapse_cli.cli.lab:app", "Check claims on tables of your own; nothing is asked."),
    "distill": ("synapse_cli.cli.distill:distill", "Learn a route's answers, and answer them for nothing."),
    "profile": ("synapse_cli.cli.profile:app", "List, show, check and write profiles."),
    "init": ("synapse_cli.cli.init:init", "Write a profile from the keys and models found here."),
    "trust": ("synapse_cli.cli.trust:trust", "Trust the profile of a project, after showing what it may do."),
    "models": ("synapse_cli.cli.models:app", "Find, fetch, check and name models."),
    "budget": ("synapse_cli.cli.budget:app", "Show what may still be spent, and raise or reset it."),
    "cost": ("synapse_cli.cli.cost:cost", "Tell what was spent, on whom, and what was saved."),
    "prices": ("synapse_cli.cli.prices:app", "Show what models cost, and say it better."),
    "good": ("synapse_cli.cli.good:good", "Say that an answer was good."),
    "bad": ("synapse_cli.cli.bad:bad", "Say that an answer was bad, and have it forgotten."),
    "shadow": ("synapse_cli.cli.shadow:app", "Have cheap answers looked at again by a dearer tier."),
    "log": ("synapse_cli.cli.log:app", "List, show and search recorded runs."),
    "stats": ("synapse_cli.cli.stats:stats", "Say how it went: cache, acceptance, latencies, errors, money."),
    "trace": ("synapse_cli.cli.trace:trace", "Show what happened within a run, in time."),
    "watch": ("synapse_cli.cli.watch:watch", "Watch runs as they go: pace, money, circuits, hosts."),
    "telemetry": ("synapse_cli.cli.telemetry:app", "Say where runs are told, and whether they arrive."),
    "cache": ("synapse_cli.cli.cache:app", "Look into the cache, and clear it."),
    "doctor": ("synapse_cli.cli.doctor:doctor", "Check engines, keys, files and one local answer."),
    "hosts": ("synapse_cli.cli.hosts:app", "List, start and stop the processes that keep models warm."),
    "providers": ("synapse_cli.cli.providers:app", "Show which providers fail, and ask them again."),
    "paths": ("synapse_cli.cli.paths:paths", "Print where Synapse keeps things."),
    "completions": ("synapse_cli.cli.completions:app", "Print or install completions for your shell."),
}
"""Name → where its function or typer app lives, and its line in `synapse --help`; nothing is imported for the list."""

HELP = """Answer a prompt with the cheapest model that is good enough, and prove it.

Examples:

  synapse run "Is this review positive or negative?" < review.txt

  git diff | synapse run "Write a commit message"

  synapse explain "Summarise this report" -f report.md
"""


class LazyGroup(TyperGroup):
    """Holds a stand-in for each command, which knows its summary, and imports the real one only to run it."""

    def resolve_command(self, ctx: ClickContext, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command that was typed, imported."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and command(str(name), self.rich_markup_mode), rest


def command(name: str, markup: Literal["markdown", "rich"] | None = None) -> Command:
    """Import one command and return what typer makes of it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        target.rich_markup_mode = markup
        group = typer.main.get_command(target)
        group.name = name
        return group
    return _single(name, spelled_out(target), markup)


def root() -> LazyGroup:
    """The `synapse` command itself; Rich draws its help only at a terminal."""
    markup: Literal["markdown", "rich"] | None = "markdown" if sys.stdout.isatty() else None
    options = typer.main.get_params_convertors_ctx_param_name_from_function(_root_options)[0]
    return LazyGroup(
        name="synapse",
        help=HELP,
        commands={n: TyperCommand(name=n, help=line, rich_markup_mode=markup) for n, (_, line) in COMMANDS.items()},
        rich_markup_mode=markup,
        no_args_is_help=True,
        params=list(options),
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def main(arguments: list[str]) -> int:
    """Run what was typed and return the exit code. Errors of Synapse pass through to `__main__`."""
    from typer._click.exceptions import ClickException, NoArgsIsHelpError

    command = root()
    try:  # not `command.main`, which makes exit code 1 of a closed pipe
        with command.make_context("synapse", list(arguments)) as context:
            result = command.invoke(context)
    except typer.Exit as error:
        return error.exit_code
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except ClickException as error:
        from synapse_cli.cli.help import as_usage_error

        usage = as_usage_error(error)
        if arguments[:1] == ["run"] and "--json" in arguments:
            _print_failure(usage)
        raise usage from error
    except typer.Abort:
        return 130
    return result if isinstance(result, int) else 0


def _print_failure(error: UsageError) -> None:
    """A script that asked for JSON gets its object also where the flags beside it were wrong."""
    import json

    from synapse_cli.cli.output import write
    from synapse_cli.report.answer import failure_json

    write(json.dumps(failure_json(error, [])) + "\n")


def _single(name: str, function: Callable[..., object], markup: Literal["markdown", "rich"] | None) -> Command:
    from synapse_cli.cli.help import Headed

    settings = {"help_option_names": ["-h", "--help"]}
    info = CommandInfo(name=name, cls=Headed, callback=function, context_settings=settings)
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=markup)


def _root_options(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit."),
) -> None:
    """Options of `synapse` itself; the version is answered before this is loaded."""
