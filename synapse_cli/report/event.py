"""Events as JSON, one a line: what `--json --stream` prints before its last line."""

from __future__ import annotations

from synapse_cli.core.events import Asking, Attempted, Event, Learning, Routed, Waiting, Warned, Wrote
from synapse_cli.core.prompt import Json
from synapse_cli.report.answer import attempt_json, policy_json


def event_json(event: Event) -> dict[str, Json]:
    """The event as one object; `event` names its kind."""
    match event:
        case Routed(decision):
            policy = policy_json(decision.policy)
            return {"event": "routed", "route": decision.route, "route_why": decision.why, "policy": policy}
        case Asking(tier, is_local):
            return {"event": "asking", "tier": tier, "is_local": is_local}
        case Attempted(attempt):
            return {"event": "attempted", **attempt_json(attempt)}
        case Waiting(tier, seconds, reason):
            return {"event": "waiting", "tier": tier, "seconds": seconds, "reason": reason}
        case Learning(what, done, total):
            return {"event": "learning", "what": what, "done": done, "total": total}
        case Warned(message):
            return {"event": "warned", "message": message}
        case Wrote(tier, text):
            return {"event": "piece", "tier": tier, "text": text}
