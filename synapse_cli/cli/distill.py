"""`synapse distill`: a tier before all others that costs nothing, learned from what dearer ones answered."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.flags import takes_flags
from synapse_cli.cli.scope import Tenant
from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.core.errors import InputError, ThresholdMissed, UsageError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.lab.distill.certify import Promise
    from synapse_cli.lab.distill.teach import Taught, Wanted
    from synapse_cli.profile.model import Profile

_FROM = "What is learned from"
_HOW = "What is promised"
_OUTPUT = "Output"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> object:  # noqa: A002  # typer's own word
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillFlags:
    """One field a flag, in the order of `--help`."""

    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route whose answers are learned.")] = ""
    ledger: Annotated[
        str | None, _option("--from", help="Learn from this ledger [yours].", panel=_FROM, metavar="LEDGER")
    ] = None
    labels: Annotated[
        str | None,
        _option("--labels", help='Rows of {"text", "label"} instead (.jsonl, gzip).', panel=_FROM, metavar="FILE"),
    ] = None
    teacher: Annotated[
        list[str] | None,
        _option("--teacher", help="Only answers of this model (repeatable).", panel=_FROM, metavar="MODEL"),
    ] = None
    tenant: Tenant = None
    prompt: Annotated[
        str | None,
        _option("--prompt", help="What is typed before the text [as recorded].", panel=_FROM, metavar="TEXT"),
    ] = None
    choices: Annotated[
        str | None, _option("--choices", help="What --choices says at each run.", panel=_FROM, metavar="A,B,C")
    ] = None
    profile: Annotated[str | None, _option("--profile", help="Profile to use.", panel=_FROM, metavar="NAME|PATH")] = (
        None
    )
    agreement: Annotated[
        str, _option("--agreement", help="Share of its answers that the teachers would give.", panel=_HOW, metavar="P")
    ] = "98%"
    confidence: Annotated[str, _option("--confidence", help="How sure that is to be.", panel=_HOW, metavar="P")] = "95%"
    lexical: Annotated[bool, _option("--lexical", help="Words alone: no encoder is ever asked.", panel=_HOW)] = False
    encoder: Annotated[
        str | None,
        _option("--encoder", help="The encoder asked where words are not sure [MiniLM].", panel=_HOW, metavar="NAME"),
    ] = None
    no_host: Annotated[bool, _option("--no-host", help="Encode in this process.", panel=_HOW)] = False
    output: Annotated[
        str | None, _option("-o", "--output", help="Write the student here.", panel=_OUTPUT, metavar="FILE")
    ] = None
    json: Annotated[bool, _option("--json", help="Print one JSON object.", panel=_OUTPUT)] = False


@takes_flags
def distill(flags: DistillFlags) -> int:
    """Learn a route's answers, and answer them for nothing.

    Where a route's answers come from a closed set (labels, or fields of a small object), a student learns them from the
    answers that dearer tiers gave and that were accepted: from the ledger (answers called bad are left out, better ones
    used), or from a labelled file. It answers only from the confidence on from which its agreement with them is
    certified, and leaves the rest to the next tier. Where nothing can be certified, nothing is written: exit code 100.
    Nothing is asked or sent; the profile is yours to edit, and the lines for it are printed. Needs the extra `tune`.

    The keys of --json: route, file, sha256, says, certified, promise {agreement, confidence, bound, least, coverage,
    answered, disagreed, found}, by_words (the same of words alone), texts, needed_texts, encoder, teachers, excluded,
    values [{field, value, texts, answered, disagreed}], scope {head, tail, system, closed}, profile_lines, warnings.

    Examples:

      synapse distill triage -o triage.student

      synapse distill triage --labels tickets.jsonl --agreement 99% -o triage.student

      synapse distill triage --lexical --json | jq .promise.coverage
    """
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.lab.distill.teach import teach
    from synapse_cli.report.counting import Counting
    from synapse_cli.report.problem import warn

    profile = find_profile(flags.profile, Witness())
    wanted = _wanted(flags)
    refuse_unwritable(flags.output)
    warnings: list[str] = []
    with Counting("learning, in percent", 100) as counting:
        taught = teach(wanted, profile, lambda done, steps: counting.reached(100 * done // steps), warnings.append)
    sha256 = _write(flags.output, taught)
    told = _told(taught, profile, flags.output, sha256, warnings)
    if flags.json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        for message in warnings:
            warn(message)
        _show(told)
    if taught.promise is None:
        raise _nothing(taught)
    return 0


def _wanted(flags: DistillFlags) -> Wanted:
    from synapse_cli.lab.distill.teach import Wanted
    from synapse_cli.ledger import schema
    from synapse_cli.profile.paths import state_dir

    if not flags.route:
        raise UsageError("which route's answers are to be learned?", "for example synapse distill triage")
    if flags.ledger is not None and flags.labels is not None:
        raise UsageError("--from and --labels contradict each other", "give one of them")
    if flags.lexical and flags.encoder is not None:
        raise UsageError("--lexical and --encoder contradict each other", "give one of them")
    ledger = flags.ledger or os.path.join(str(state_dir()), schema.FILE)
    if flags.ledger is not None and not os.path.isfile(flags.ledger):
        raise InputError(f"there is no ledger {flags.ledger}", "synapse paths shows where yours is")
    return Wanted(
        route=flags.route,
        ledger=ledger,
        labels=flags.labels,
        agreement=_share("--agreement", flags.agreement),
        confidence=_share("--confidence", flags.confidence),
        words=flags.prompt,
        choices=_choices(flags.choices),
        teachers=tuple(flags.teacher or ()),
        tenant=flags.tenant,
        encoder=flags.encoder,
        is_lexical=flags.lexical,
        hosts=not flags.no_host,
    )


def _choices(text: str | None) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(label.strip() for label in (text or "").split(",") if label.strip()))
    if text is not None and len(labels) < 2:
        raise UsageError(f"--choices needs two labels or more, found {text!r}", "for example --choices yes,no")
    return labels


def _share(flag: str, text: str) -> float:
    """`0.98` or `98%`, above a half and below 1. Raises UsageError."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0.5 <= value < 1:
        raise UsageError(f"{flag} takes a share from 50% to below 100%, found {text!r}", f"for example {flag} 98%")
    return round(value, 9)


def _write(path: str | None, taught: Taught) -> str | None:
    from synapse_cli.learned.file import write
    from synapse_cli.learned.student import to_learned

    if path is None or taught.student is None:
        return None
    try:
        return write(path, to_learned(taught.student))
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror or error}", "name another file with -o") from error


def _told(
    taught: Taught, profile: Profile, path: str | None, sha256: str | None, warnings: list[str]
) -> dict[str, Json]:
    from synapse_cli.report.distill import toml

    wanted, student = taught.wanted, taught.student
    named = wanted.encoder if student is not None and student.encoder is not None else None
    return {
        "schema_version": 1,
        "route": wanted.route,
        "file": path if sha256 else None,
        "sha256": sha256,
        "certified": taught.promise is not None,
        "says": None
        if taught.promise is None
        else f"of what it answers, at least {_percent(wanted.agreement)} is what its teachers would say"
        f" ({_percent(wanted.confidence)} confidence)",
        "promise": _promise(taught.promise),
        "by_words": _promise(taught.by_words),
        "texts": len(taught.lessons.texts),
        "needed_texts": taught.needed,
        "encoder": None if taught.encoder is None else taught.encoder.name,
        "teachers": dict(taught.lessons.teachers),
        "excluded": dict(taught.lessons.excluded),
        "values": [
            {
                "field": each.field,
                "value": each.value,
                "texts": each.texts,
                "answered": each.answered,
                "disagreed": each.disagreed,
            }
            for each in taught.values
        ],
        "scope": None if student is None else student.scope.about(),
        "profile_lines": [] if student is None else list(toml(profile, taught.route, path or "FILE", named)),
        "warnings": list(warnings),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _promise(promise: Promise | None) -> Json:
    if promise is None:
        return None
    return {
        "agreement": promise.agreement,
        "confidence": promise.confidence,
        "bound": promise.bound,
        "least": promise.least,
        "coverage": promise.coverage,
        "answered": promise.answered,
        "disagreed": promise.disagreed,
        "found": promise.found,
    }


def _show(told: dict[str, Json]) -> None:
    from synapse_cli.cli.listing import print_table, visible
    from synapse_cli.report.distill import cells, header, lines

    for line in lines(told):
        typer.echo(visible(line))
    values = told["values"]
    rows, left_out = cells([each for each in values if isinstance(each, dict)] if isinstance(values, list) else [])
    if told["certified"]:
        typer.echo("")
        print_table(header(), [tuple(map(visible, row)) for row in rows], "", numbers_from=1)
        if left_out:
            typer.echo(f"and {left_out} more, which --json shows", err=True)
        pasted = told["profile_lines"]
        typer.echo("\n# for the profile:")
        typer.echo("\n".join(map(str, pasted if isinstance(pasted, list) else [])))
        if told["file"] is None:
            typer.echo("synapse: nothing is written: name a file with -o", err=True)


def _nothing(taught: Taught) -> ThresholdMissed:
    wanted = taught.wanted
    what = (
        f"nothing is certified: {len(taught.lessons.texts):,} texts do not show {_percent(wanted.agreement)} agreement"
    )
    if taught.needed is None:
        return ThresholdMissed(what, "too many of its surest answers are otherwise: ask for less with --agreement")
    more = max(1, taught.needed - len(taught.lessons.texts))
    return ThresholdMissed(what, f"about {more:,} more texts such as these would, or a lower --agreement")
