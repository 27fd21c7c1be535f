"""`synapse explain`: which way a prompt would take, what it would cost at most, and whether it is cached."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.cli.flags import Flags, takes_flags
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness
from synapse_cli.flows.session import Session
from synapse_cli.report.numbers import dollars

if TYPE_CHECKING:
    from synapse_cli.learned.policy import Choice, Policy


@takes_flags
def explain(flags: Flags) -> int:
    """Say which way a prompt would take, and why, without asking.

    No hosted model is called and no answer is made; the nano model may be asked for the task of the request, and a
    local encoder for its embedding. Where a policy chose, its promise is told, and why each other way was not taken.

    Examples:

      synapse explain "Summarise this report" -f report.md

      synapse explain --json --task code "Write a parser"

      synapse explain --max-latency 2s --min-quality 0.9 "Translate this" -f letter.txt
    """
    from synapse_cli.cli.asking import asked, wishes
    from synapse_cli.cli.profiles import find_profile

    witness = Witness()
    wanted = wishes(flags, witness)
    profile = find_profile(flags.profile, witness)
    ask = asked(flags, wanted, profile, witness).ask
    return show(Session(profile, ask, witness), as_json=flags.json)


def show(session: Session, *, as_json: bool) -> int:
    """Print what would be done."""
    from synapse_cli.flows.forecast import forecast

    decision = session.choose()
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
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_page(session, decision, tiers))
    return 0


def _page(session: Session, decision: Decision, tiers: list[dict[str, Json]]) -> str:
    lines = [f"profile  {session.profile.path}", f"route    {decision.route}: {decision.why}"]
    lines += [f"         not {route}: {why}" for route, why in decision.runners_up]
    lines += _policy_lines(session, decision)
    header = ("tier", "where", "input", "at most", "cached", "must pass")
    rows = [header, *(_row(tier) for tier in tiers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines.append("")
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{tier['tier']}: {tier['note']}" for tier in tiers if tier["note"]]
    return "\n".join(lines) + "\n"


def _policy_json(session: Session, decision: Decision) -> Json:
    from synapse_cli.report.choice import as_json

    return None if decision.policy is None else as_json(*_choice(session, decision))


def _policy_lines(session: Session, decision: Decision) -> list[str]:
    from synapse_cli.report.choice import lines

    return [] if decision.policy is None else list(lines(*_choice(session, decision)))


def _choice(session: Session, decision: Decision) -> tuple[Policy, str, Choice, Decision]:
    path = session.profile.routes[decision.route].policy or ""
    return session.deciding.policy(decision.route), path, session.deciding.choice(decision), decision


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
