"""`synapse completions`: print or install completions for a shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Print or install completions for your shell.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Shell = Annotated[str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; default: $SHELL.")]


@app.command()
def show(shell: Shell = None) -> None:
    """Print the completions of a shell.

    Example:

      synapse completions show fish | source
    """
    typer.echo(_text(_known(shell)), nl=False)


@app.command()
def install(shell: Shell = None) -> None:
    """Write the completions where the shell looks for them.

    Example:

      synapse completions install zsh
    """
    name = _known(shell)
    path = _place(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(name), encoding="utf-8")
    except OSError as error:
        from synapse_cli.core.errors import InputError

        hint = f"put the output of `synapse completions show {name}` elsewhere"
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}", hint) from error
    typer.echo(f"wrote {path}", err=True)
    advice = _advice(name, path)
    if advice:
        typer.echo(advice, err=True)


def _known(shell: str | None) -> str:
    from synapse_cli.cli.shells import SHELLS
    from synapse_cli.core.errors import UsageError

    name = (shell or os.path.basename(os.environ.get("SHELL", ""))).removesuffix(".exe")
    name = {"pwsh": "powershell"}.get(name, name)
    if name not in SHELLS:
        raise UsageError(f"no completions for the shell {name!r}", "name one: " + ", ".join(SHELLS))
    return name


def _text(name: str) -> str:
    from synapse_cli.cli.shells import SHELLS
    from synapse_cli.cli.spec import tree

    return SHELLS[name][0](tree())


def _place(name: str) -> Path:
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return {
        "bash": data / "bash-completion" / "completions" / "synapse",
        "zsh": data / "zsh" / "site-functions" / "_synapse",
        "fish": config / "fish" / "completions" / "synapse.fish",
        "powershell": config / "powershell" / "synapse.ps1",
    }[name]


def _advice(name: str, path: Path) -> str:
    if name == "zsh":
        return f"put this before compinit in ~/.zshrc: fpath+=({path.parent})"
    if name == "powershell":
        return f"put this into $PROFILE: . {path}"
    return "open a new shell to use them"
