"""What may a tenant ask, and where is what is kept for it?

A tenant is on whose behalf a run is made: `--tenant` or `SYNAPSE_TENANT`. Its answers are cached apart from all
others', its runs are recorded under its name, and its budget is its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase

from synapse_cli.core.errors import NotAllowed, UsageError
from synapse_cli.profile.model import Model, Profile, Route, Tenant

VARIABLE = "SYNAPSE_TENANT"


def tenant_of(profile: Profile, name: str | None) -> Tenant | None:
    """The tenant of a run; None where none was named. Raises UsageError for one that the profile does not have."""
    if name is None:
        return None
    if name not in profile.tenants:
        known = ", ".join(profile.tenants) or "none"
        raise UsageError(f"there is no tenant named {name!r}", f"tenants of this profile: {known}")
    return profile.tenants[name]


def routes_of(tenant: Tenant | None, routes: Mapping[str, Route], named: str | None) -> Mapping[str, Route]:
    """The routes that may be taken. Raises NotAllowed where the one that was named is not among them."""
    if tenant is None or tenant.routes is None:
        return routes
    if named is not None and named in routes and not _matches(named, tenant.routes):
        raise NotAllowed(f"tenant {tenant.name} may not take the route {named!r}", _among("routes", tenant.routes))
    return {name: route for name, route in routes.items() if _matches(name, tenant.routes)}


def forbidden(tenant: Tenant | None, model: Model, *, is_local: bool, is_named: bool) -> NotAllowed | None:
    """Why a model may not be asked, or None where it may. `is_named` is a model of `-m`, which is no tier."""
    if tenant is None:
        return None
    if tenant.local_only and not is_local:
        return NotAllowed(f"tenant {tenant.name} may ask local models only", "")
    lists = [("models", tenant.models), ("tiers", tenant.tiers)]
    for what, allowed in lists if is_named else reversed(lists):
        if allowed is not None:  # the other list stands in where one is not given
            names = {model.name, model.model or model.name}
            if any(_matches(name, allowed) for name in names):
                return None
            return NotAllowed(f"tenant {tenant.name} may not ask {model.name}", _among(what, allowed))
    return None


def cache_folder(folder: str, tenant: str | None) -> str:
    """Where a tenant's answers are kept, apart from those of others."""
    return folder if tenant is None else os.path.join(folder, "tenants", _file_name(tenant))


def _matches(name: str, allowed: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in allowed)


def _among(what: str, allowed: tuple[str, ...]) -> str:
    return f"{what} of this tenant: {', '.join(allowed) or 'none'}"


def _file_name(tenant: str) -> str:
    """One folder a tenant, whatever the file system thinks of letter case: `Acme` and `acme` are two."""
    from hashlib import sha256

    letters = "".join(letter if letter.isalnum() else "-" for letter in tenant)
    return f"{letters}-{sha256(tenant.encode()).hexdigest()[:8]}"
