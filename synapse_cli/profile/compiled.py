"""Keep a profile in its compiled form, so that a run whose profile is unchanged parses and checks nothing.

One JSON file per profile in the cache folder, with the path and stat of every file that made it. Any doubt
means that there is none. It holds nothing that the profile's own files do not say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, NamedTuple

from synapse_cli import __version__
from synapse_cli.core import places
from synapse_cli.core.completion import Price
from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import (
    BudgetSettings,
    Cascade,
    Deployment,
    Limits,
    Lora,
    Model,
    Profile,
    Route,
    Rule,
    Template,
    Tenant,
    When,
)
from synapse_cli.profile.origin import Danger, Source
from synapse_cli.profile.settings import (
    BreakerSettings,
    CacheSettings,
    Defaults,
    HostSettings,
    LedgerSettings,
    RetrySettings,
    RoutingSettings,
    SemanticSettings,
    ShadowSettings,
    TelemetrySettings,
)

_FORMAT = 6


class Compiled(NamedTuple):
    """A profile that was right when it was compiled, the files that made it, and what only a trusted one may do."""

    profile: Profile
    files: tuple[Source, ...]
    dangers: tuple[Danger, ...]


def recall(path: str, env: Mapping[str, str], witness: Witness) -> Compiled | None:
    """The compiled form of the profile at `path`, or None where there is none or a file of it has changed."""
    try:
        with open(_file(path, env), "rb") as file:
            kept = json.load(file)
        if kept["of"] != _identity(path, env):
            return None
        files = tuple(Source(*row) for row in kept["files"])
        if not all(_is_unchanged(source) for source in files):
            return None
        found = Compiled(_profile(kept["profile"]), files, tuple(Danger(*row) for row in kept["dangers"]))
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return None
    for source in files:
        witness.read(source.path, source.sha256)
    return found


def keep(compiled: Compiled, env: Mapping[str, str]) -> None:
    """Write the compiled form down; a folder that cannot be written costs time, never an answer."""
    from pathlib import Path

    from synapse_cli.profile.paths import write_private

    path = compiled.profile.path
    kept = {
        "of": _identity(path, env),
        "files": compiled.files,
        "dangers": compiled.dangers,
        "profile": asdict(compiled.profile),
    }
    try:
        write_private(Path(_file(path, env)), json.dumps(kept, default=str))
    except OSError:
        return


def _identity(path: str, env: Mapping[str, str]) -> list[object]:
    return [_FORMAT, __version__, path, env.get("HOME", "")]  # HOME, because paths in a profile may begin with ~


def _file(path: str, env: Mapping[str, str]) -> str:
    from hashlib import sha256

    name = sha256("\0".join(map(str, _identity(path, env))).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(places.folder("cache", env), "profiles", f"{name}.json")


def _is_unchanged(source: Source) -> bool:
    facts = os.stat(source.path)
    if (facts.st_size, facts.st_mtime_ns, facts.st_ino) != (source.size, source.mtime_ns, source.inode):
        return False
    if not source.is_racy:
        return True
    from hashlib import sha256

    with open(source.path, "rb") as file:
        return sha256(file.read()).hexdigest() == source.sha256


def _profile(data: dict[str, Any]) -> Profile:
    return Profile(
        name=data["name"],
        path=data["path"],
        hash=data["hash"],
        models={name: _model(model) for name, model in data["models"].items()},
        routes={name: _route(route) for name, route in data["routes"].items()},
        cascades={name: _cascade(cascade) for name, cascade in data["cascades"].items()},
        templates={name: Template(**template) for name, template in data["templates"].items()},
        tenants={name: _tenant(tenant) for name, tenant in data["tenants"].items()},
        budget=_budget(data["budget"]),
        retry=RetrySettings(**data["retry"]),
        breaker=BreakerSettings(**data["breaker"]),
        telemetry=TelemetrySettings(**data["telemetry"]),
        routing=RoutingSettings(**_thawed(data["routing"], "explore_budget")),
        shadow=ShadowSettings(**_thawed(data["shadow"], "per_day")),
        cache=CacheSettings(**{**data["cache"], "semantic": SemanticSettings(**data["cache"]["semantic"])}),
        ledger=LedgerSettings(**data["ledger"]),
        hosts=HostSettings(**data["hosts"]),
        defaults=Defaults(**data["defaults"]),
        warnings=tuple(data["warnings"]),
    )


def _model(data: dict[str, Any]) -> Model:
    price = data.pop("price")
    numbers = {key: Decimal(value) for key, value in (price or {}).items() if isinstance(value, str)}
    lists: dict[str, Any] = {key: tuple(data.pop(key)) for key in ("keys", "tags", "gpu_split")}
    lists["lora"] = tuple(Lora(**each) for each in data.pop("lora"))
    lists["deployments"] = tuple(map(_deployment, data.pop("deployments")))
    lists["limits"] = _limits(data.pop("limits"))
    return Model(**data, **lists, price=Price(**numbers) if price else None)  # type: ignore[arg-type]  # a profile has no steps


def _limits(data: dict[str, Any] | None) -> Limits | None:
    return None if data is None else Limits(**data)


def _deployment(data: dict[str, Any]) -> Deployment:
    return Deployment(**{**data, "keys": tuple(data["keys"]), "limits": _limits(data["limits"])})


def _budget(data: dict[str, Any]) -> BudgetSettings:
    money = {key: Decimal(data[key]) for key in ("per_run", "per_day", "per_month") if data[key] is not None}
    lists = {key: tuple(data[key]) for key in ("alerts", "alert_command")}
    return BudgetSettings(**{**data, **money, **lists})


def _tenant(data: dict[str, Any]) -> Tenant:
    budget = data.pop("budget")
    frozen = {key: _frozen(value) for key, value in data.items()}
    return Tenant(**frozen, budget=None if budget is None else _budget(budget))


def _route(data: dict[str, Any]) -> Route:
    when, budget = data.pop("when"), data.pop("budget")
    lists: dict[str, Any] = {key: tuple(data.pop(key)) for key in ("examples", "run", "fallback")}
    return Route(
        **data,
        **lists,
        when=None if when is None else When(**{k: _frozen(v) for k, v in when.items()}),
        budget=None if budget is None else _budget(budget),
    )


def _cascade(data: dict[str, Any]) -> Cascade:
    tiers, accept = tuple(data.pop("tiers")), tuple(Rule(**rule) for rule in data.pop("accept"))
    return Cascade(**data, tiers=tiers, accept=accept)


def _thawed(data: dict[str, Any], *money: str) -> dict[str, Any]:
    amounts = {key: Decimal(data[key]) for key in money if data[key] is not None}
    return {key: _frozen(value) for key, value in {**data, **amounts}.items()}


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value
