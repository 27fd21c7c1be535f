"""Which models does an argument of `synapse prices …` mean?"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from synapse_cli.backends import prices, prices_own
from synapse_cli.backends.prices_told import Told, all_told, told, told_of
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness

if TYPE_CHECKING:
    from synapse_cli.profile.model import Profile

_GLOB = frozenset("*?[")


def wanted(names: list[str], choice: str | None, *, everything: bool) -> list[Told]:
    """The prices that were asked for. Raises UsageError for a name that means nothing."""
    if everything:
        return list(all_told(os.environ))
    if not names:
        return [told_of(model, os.environ) for model in _profile(choice).models.values()]
    found: list[Told] = []
    for name in names:
        found += _matching(name) if _GLOB & set(name) else [named(name, choice)]
    return found


def named(name: str, choice: str | None) -> Told:
    """The price of one model: of the profile, `provider/id`, or a bare name. Raises UsageError."""
    if "/" in name:
        return told(name, os.environ)
    profile = _profile(choice)
    if name in profile.models:
        return told_of(profile.models[name], os.environ)
    full = prices.find(name) or prices_own.find(name, os.environ)
    if full is None:
        near = ", ".join([*_near(name, profile), *prices.near(name)][:3])
        hint = "write provider/id, as in openai/gpt-5-mini"
        raise UsageError(f"there is no model named {name!r}", f"did you mean {near}? or {hint}" if near else hint)
    return told(full, os.environ)


def unpriced(choice: str | None) -> list[dict[str, Json]]:
    """Models without a price: those of the profile, and those of which calls are recorded at an unknown cost."""
    profile = _profile(choice)
    counted = _unknown_calls()
    rows: list[dict[str, Json]] = []
    for name in (*profile.models, *(other for other in counted if other not in profile.models)):
        found = _told_again(name, profile)
        if counted.get(name) or (found is not None and found.price is None):
            now = "unknown" if found is None or found.price is None else str(found.source)
            rows.append(
                {"name": name, "model": found.model if found else None, "calls": counted.get(name, 0), "now": now}
            )
    return rows


def _unknown_calls() -> dict[str, int]:
    from synapse_cli.ledger.schema import FILE
    from synapse_cli.ledger.totals import totals
    from synapse_cli.profile.paths import state_dir

    rows = totals(str(state_dir() / FILE), by=("model",), histograms=False)
    # A call that broke off before anybody counted its tokens costs something unknown at a price that may be known.
    counted = {row.of["model"]: row.cost_unknown - row.tokens_unknown for row in rows}
    return {name: count for name, count in counted.items() if name and count > 0}


def _told_again(name: str, profile: Profile) -> Told | None:
    """What a recorded name costs now; one that no profile has may be `provider/id` itself."""
    if name in profile.models:
        return told_of(profile.models[name], os.environ)
    return told(name, os.environ) if "/" in name else None


def _matching(pattern: str) -> list[Told]:
    found = [each for each in all_told(os.environ) if fnmatchcase(each.name, pattern)]
    if not found:
        raise UsageError(f"no model's name matches {pattern!r}", "synapse prices show --all lists them")
    return found


def _near(name: str, profile: Profile) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, [*profile.models], n=1)


def _profile(choice: str | None) -> Profile:
    from synapse_cli.cli.profiles import find_profile

    return find_profile(choice, Witness())
