"""`synapse explain`: which way a prompt would take, what it would cost at most, and whether it is cached."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.flags import Flags, takes_flags
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness
from synapse_cli.flows.session import Session
from synapse_cli.report.numbers import dollars
from synapse_cli.report.problem import warn

if TYPE_CHECKING:
    from synapse_cli.learned.policy import Choice, Policy
    from synapse_cli.routing.analysis import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainFlags(Flags):
    """Those of `run`, and what only `explain` tells."""

    analysis: Annotated[
        bool,
        typer.Option(
            "--analysis",
            help="Tell task, domain, language, complexity, form, names and needs of tools.",
            rich_help_panel="Output",
        ),
    ] = False


@takes_flags
def explain(flags: ExplainFlags) -> int:
    """Say which way a prompt would take, and why, without asking.

    No answer is made and no tier is called. Nano may be asked for the task or domain of the request, an encoder for its
    embedding, and the judge or analyst that the profile names where rules and examples are unsure. Where a policy
    chose, its promise is told, and why each other way was not taken.

    Examples:

      synapse explain "Summarise this report" -f report.md

      synapse explain --json --task code "Write a parser"

      synapse explain --analysis "Compare these two contracts in a table" -f a.txt -f b.txt

      synapse explain --max-latency 2s --min-quality 0.9 "Translate this" -f letter.txt
    """
    from synapse_cli.cli.asking import asked, wishes
    from synapse_cli.cli.profiles import find_profile

    witness = Witness()
    wanted = wishes(flags, witness)
    profile = find_profile(flags.profile, witness)
    ask = asked(flags, wanted, profile, witness).ask
    return show(Session(profile, ask, witness), as_json=flags.json, analyses=flags.analysis)


def show(session: Session, *, as_json: bool, analyses: bool = False) -> int:
    """Print what would be done."""
    from synapse_cli.flows.forecast import forecast

    decision = session.choose()
    known = _analysis(session) if analyses else None
    tiers = [expected.as_json() for expected in forecast(session, session.plan(decision))]
    if as_json:
        told: dict[str, Json] = {
            "schema_version": 1,
            "profile": session.profile.path,
            "route": decision.route,
            "route_why": decision.why,
            "route_source": decision.source,
            "confidence": decision.confidence,
            "runners_up": [{"route": route, "why_not": why} for route, why in decision.runners_up],
            "policy": _policy_json(session, decision),
            "tiers": list(tiers),
            "warnings": list(session.warnings),
            **({} if known is None else {"analysis": known.as_json()}),
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_page(session, decision, tiers, known))
    for message in session.warnings:
        warn(message)
    return 0


def _page(session: Session, decision: Decision, tiers: list[dict[str, Json]], known: Analysis | None) -> str:
    lines = [f"profile  {session.profile.path}", f"route    {decision.route}: {decision.why}"]
    lines += [f"         not {route}: {why}" for route, why in decision.runners_up]
    lines += _policy_lines(session, decision)
    lines += [] if known is None else ["", *known.lines()]
    header = ("tier", "where", "input", "at most", "cached", "must pass")
    rows = [header, *(_row(tier) for tier in tiers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines.append("")
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{tier['tier']}: {tier['note']}" for tier in tiers if tier["note"]]
    return "\n".join(lines) + "\n"


def _analysis(session: Session) -> Analysis:
    from synapse_cli.flows.analysing import analysis, question_of

    return analysis(session, question_of(session, session.ask))


def _policy_json(session: Session, decision: Decision) -> Json:
    from synapse_cli.report.choice import as_json

    return None if decision.policy is None else as_json(*_choice(session, decision))


def _policy_lines(session: Session, decision: Decision) -> list[str]:
    from synapse_cli.report.choice import lines

    return [] if decision.policy is None else list(lines(*_choice(session, decision)))


def _choice(session: Session, decision: Decision) -> tuple[Policy, str, Choice, Decision, Mapping[int, str]]:
    path, deciding = session.profile.routes[decision.route].policy or "", session.deciding
    return deciding.policy(decision.route), path, deciding.choice(decision), decision, deciding.closed(decision.route)


def _row(tier: dict[str, Json]) -> tuple[str, ...]:
    tokens = "?" if tier["input_tokens"] is None else f"{'~' if tier['estimated'] else ''}{tier['input_tokens']} tokens"
    at_most = tier["cost_usd_at_most"]
    cost = dollars(None if at_most is None else Decimal(str(at_most)))
    checks = tier["checks"]
    assert isinstance(checks, list)
    return (
        str(tier["tier"]),
        "local" if tier["is_local"] else "hosted",
        tokens,
        cost,
        "yes" if tier["cached"] else "no",
        ", ".join(map(str, checks)) or "-",
    )
