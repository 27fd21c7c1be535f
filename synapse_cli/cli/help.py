"""Show options under their headings where Rich does not draw them, and usage errors in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand

from synapse_cli.core.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter
    from typer._click.exceptions import ClickException

GENERAL = "Options"
"""Heading of the options that name none."""


class Headed(TyperCommand):
    """A command whose plain help has the same headings as the one that Rich draws."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments, then each heading with its options, in the order of the signature."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                is_argument = param.param_type_name == "argument"
                heading = "Arguments" if is_argument else getattr(param, "rich_help_panel", None) or GENERAL
                sections.setdefault(heading, []).append(record)
        if len(sections) > 2:  # else the one heading there is stays where readers look for it
            sections[GENERAL] = sections.pop(GENERAL, [])
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def as_usage_error(error: ClickException) -> UsageError:
    """Say what typer found wrong with a command line as Synapse says everything: what, and what to try."""
    context = getattr(error, "ctx", None)
    possible = getattr(error, "possibilities", None)
    said = error.message if possible is not None else error.format_message()
    message, _, near = said.partition(". Did you mean ")
    near = ", ".join(sorted(possible)) if possible else near.rstrip("?")
    read_on = f"see {context.command_path} -h" if context is not None else "see synapse -h"
    hint = f"did you mean {near}? {read_on}" if near else read_on
    return UsageError(message[:1].lower() + message[1:].rstrip("."), hint)
