"""A tenant asks what it may, of a cache and a record that are its own."""

from __future__ import annotations

import pytest

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.cheap]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{ match = "hard", text = "" }, { match = "", text = "cheap answer" }]
[models.dear]
backend = "scripted"
record = "~/calls.jsonl"
price = { input = 1, output = 1 }
replies = [{ match = "", text = "dear answer" }]
[cascades.climbing]
tiers = ["cheap", "dear"]
accept = [{ kind = "length", min = 1 }]
[routes.special]
when = { keywords = ["special"] }
use = "dear"
[routes.default]
use = "climbing"
[tenants.free]
tiers = ["cheap"]
routes = ["default"]
[tenants.pro]
models = ["c*", "d*"]
[tenants.home]
local_only = true
[tenants.nowhere]
routes = ["special"]
"""


@pytest.fixture
def tenants(machine: Machine) -> Machine:
    machine.use(PROFILE)
    return machine


def test_a_tenant_climbs_as_far_as_it_may(tenants: Machine) -> None:
    free = tenants.synapse("run", "--tenant", "free", "a hard one")
    pro = tenants.synapse("run", "--tenant", "pro", "a hard one")
    home = tenants.synapse("run", "a hard one", env={"SYNAPSE_TENANT": "home"})
    nobody = tenants.synapse("run", "a hard one")

    assert (free.code, pro.code, home.code, nobody.code) == (65, 0, 65, 0)
    assert "dear: tenant free may not ask dear" in free.err
    assert "tenant home may ask local models only" in home.err
    assert pro.out == nobody.out == b"dear answer\n"


def test_what_a_tenant_may_not_is_refused_and_says_what_it_may(tenants: Machine) -> None:
    model = tenants.synapse("run", "--tenant", "free", "-m", "dear", "hello")
    route = tenants.synapse("run", "--tenant", "free", "-r", "special", "hello")
    ruled = tenants.synapse("run", "--tenant", "free", "a special one")
    default = tenants.synapse("run", "--tenant", "nowhere", "hello")
    unknown = tenants.synapse("run", "--tenant", "fre", "hello")

    assert (model.code, "may not ask dear" in model.err, "cheap" in model.err) == (77, True, True)
    assert (route.code, "may not take the route 'special'" in route.err, "default" in route.err) == (77, True, True)
    assert (ruled.code, ruled.out) == (0, b"cheap answer\n")
    assert (default.code, "may not take the route 'default'" in default.err) == (77, True)
    assert (unknown.code, "tenants of this profile: free, pro, home, nowhere" in unknown.err) == (2, True)


def test_a_tenant_has_a_cache_of_its_own(tenants: Machine) -> None:
    for tenant in ("free", "pro", "free", "pro"):
        tenants.synapse("run", "--json", "--tenant", tenant, "hello")
    tenants.synapse("run", "--json", "hello")

    assert len(tenants.calls) == 3
    assert [len(tenants.synapse("cache", "list", "--json", *way).json) for way in ([], ["--tenant", "pro"])] == [2, 2]
    assert "dropped" in tenants.synapse("cache", "clear", "--tenant", "pro").out.decode()
    for tenant in ("free", "pro"):
        tenants.synapse("run", "--json", "--tenant", tenant, "hello")
    assert len(tenants.calls) == 4
    tenants.synapse("cache", "clear")
    tenants.synapse("run", "--json", "--tenant", "free", "hello")
    assert len(tenants.calls) == 5


def test_the_memo_of_one_tenant_answers_no_other(tenants: Machine) -> None:
    for tenant in ("free", "free", "pro", "", ""):
        assert tenants.synapse("run", "hello", env={"SYNAPSE_TENANT": tenant}).out == b"cheap answer\n"

    assert len(tenants.calls) == 3
    assert [source for _, source in tenants.runs] == ["default", "memo", "default", "default", "memo"]
