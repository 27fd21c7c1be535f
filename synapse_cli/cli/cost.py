"""`synapse cost`: what was spent, on whom, when, and what was saved."""

from __future__ import annotations

from synapse_cli.cli.cost_flags import CostFlags
from synapse_cli.cli.flags import takes_flags
from synapse_cli.core.errors import UsageError


@takes_flags
def cost(flags: CostFlags) -> int:
    """Tell what was spent and saved, by day unless asked otherwise.

    Every call counts: retries, judges, rejected tiers. Runs whose texts are pruned still count. Dollars are what the
    provider reported or what its tokens cost then; a call whose price nobody knows is counted apart.

    Examples:

      synapse cost --by model --since month

      synapse cost --by day,model --json | jq -r '.total.cost_usd'

      synapse cost --against openai/gpt-5

      synapse cost --plot spent.png
    """
    from synapse_cli.cli.cost_asked import Asked, asked

    _refuse_contradictions(flags)
    wanted = Asked(
        by=_split(flags.by or ["day"]),
        since=flags.since,
        until=flags.until,
        model=flags.model,
        route=flags.route,
        provider=flags.provider,
        tenant=flags.tenant or None,
        against=flags.against,
        profile=flags.profile,
    )
    found = asked(wanted)
    from synapse_cli.cli import cost_shown

    cost_shown.show(found, json=flags.json, jsonl=flags.jsonl, csv=flags.csv)
    if flags.plot:
        cost_shown.draw(wanted, flags.file)
    return 0


def _refuse_contradictions(flags: CostFlags) -> None:
    file, shapes = flags.file, [flags.json, flags.jsonl, flags.csv]
    if file is not None and not flags.plot:
        raise UsageError(f"{file!r} is taken for a picture only with --plot", f"synapse cost --plot {file}")
    if sum(shapes) > 1:
        raise UsageError("--json, --jsonl and --csv contradict each other", "give one of them")
    if flags.plot and file is None and any(shapes):
        raise UsageError("a plot in the terminal is no part of JSON or CSV", "name a file: --plot spent.svg")
    if file is not None and not file.lower().endswith((".svg", ".png")):
        raise UsageError(f"pictures are .svg or .png, found {file!r}", "for example --plot spent.svg")
    if file is not None and file.lower().endswith(".png"):
        from synapse_cli.report.plot_png import check

        check()


def _split(texts: list[str]) -> tuple[str, ...]:
    """The names of `--by`, each once. Raises UsageError for another one."""
    from synapse_cli.ledger.totals import DIMENSIONS

    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            import difflib

            near = difflib.get_close_matches(name, DIMENSIONS, n=1)
            said = f"did you mean {near[0]}? or " if near else ""
            raise UsageError(f"--by takes no {name!r}", f"{said}one of {', '.join(DIMENSIONS)}")
    return tuple(dict.fromkeys(names))
