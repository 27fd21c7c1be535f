"""`synapse models`: what can be asked, and where its files come from."""

from __future__ import annotations

import typer

from synapse_cli.cli import models_files, models_list, models_look, models_names, models_pull

app = typer.Typer(
    help="Find, fetch, check and name models.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def models() -> None:
    """Find, fetch, check and name models."""


app.command("list")(models_list.list_models)
app.command("info")(models_look.info)
app.command("pull")(models_pull.pull)
app.command("add")(models_names.add)
app.command("scan")(models_names.scan)
app.command("verify")(models_files.verify)
app.command("pin")(models_pull.pin)
app.command("rollback")(models_pull.rollback)
app.command("rm")(models_files.rm)
app.command("prune")(models_files.prune)
app.command("suggest")(models_look.suggest)
app.command("alias")(models_names.alias)
app.command("path")(models_files.path)
