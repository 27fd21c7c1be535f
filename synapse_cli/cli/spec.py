"""What commands there are, as plain values: the one source of completions and man pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer._click import Command


@dataclass(frozen=True, slots=True)
class Flag:
    """One option of a command."""

    names: tuple[str, ...]
    help: str
    metavar: str
    """What stands for its value; empty for one that takes none."""
    panel: str

    @property
    def takes_file(self) -> bool:
        """Whether a file name completes its value."""
        return "FILE" in self.metavar or "PATH" in self.metavar


@dataclass(frozen=True, slots=True)
class Spec:
    """One command with its options and subcommands."""

    path: tuple[str, ...]
    summary: str
    help: str
    arguments: tuple[str, ...]
    flags: tuple[Flag, ...]
    children: tuple[Spec, ...]

    @property
    def name(self) -> str:
        """Its last word."""
        return self.path[-1]


def tree() -> Spec:
    """Import every command and describe it."""
    from synapse_cli.cli.app import COMMANDS, command, root

    top = root()
    children = tuple(_spec(command(name), ("synapse", name), line) for name, (_, line) in COMMANDS.items())
    return Spec(("synapse",), _first_line(top.help), top.help or "", ("COMMAND",), _flags(top), children)


def walk(spec: Spec) -> Sequence[Spec]:
    """This command and everything below it, depth first."""
    return [spec, *(inner for child in spec.children for inner in walk(child))]


def _spec(command: Command, path: tuple[str, ...], summary: str) -> Spec:
    inner = getattr(command, "commands", {})
    children = tuple(_spec(child, (*path, name), _first_line(child.help)) for name, child in inner.items())
    arguments = tuple(_argument(p) for p in command.params if p.param_type_name == "argument")
    return Spec(path, summary, command.help or summary, arguments, _flags(command), children)


def _flags(command: Command) -> tuple[Flag, ...]:
    found = [_flag(param) for param in command.params if param.param_type_name == "option"]
    return (*found, Flag(("-h", "--help"), "Show help and exit.", "", ""))


def _flag(param: object) -> Flag:
    names = (*param.opts, *param.secondary_opts)  # type: ignore[attr-defined]  # an option of typer's own click
    takes_value = not (param.is_flag or param.count)  # type: ignore[attr-defined]
    choices = getattr(param.type, "choices", None)  # type: ignore[attr-defined]
    default = "|".join(map(str, choices)) if choices else param.type.name.upper()  # type: ignore[attr-defined]
    metavar = (param.metavar or default) if takes_value else ""  # type: ignore[attr-defined]
    panel = getattr(param, "rich_help_panel", None) or ""
    return Flag(tuple(names), param.help or "", metavar, panel)  # type: ignore[attr-defined]


def _argument(param: object) -> str:
    name: str = param.metavar or param.name.upper()  # type: ignore[attr-defined]  # an argument of typer's own click
    if name.startswith("["):
        return name
    return name if param.required else f"[{name}]"  # type: ignore[attr-defined]


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
