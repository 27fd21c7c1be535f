"""A machine whose default route has a policy over three scripted models, dear ones with prices."""

from __future__ import annotations

from synapse_cli.learned.policy import Policy
from tests.e2e.machine import Machine
from tests.flows.policies import saved

MODEL = """[models.{name}]
backend = "scripted"
price = {{ input = {price}, output = {price} }}
record = "~/calls.jsonl"
replies = [{{ match = "", text = "from {name}", tokens = {{ input = 10, output = 10 }} }}]
"""
MODELS = "".join(MODEL.format(name=name, price=price) for name, price in (("small", 1), ("middle", 5), ("large", 50)))
PROFILE = f'schema = 1\n{MODELS}[routes.default]\nuse = "large"\npolicy = "POLICY"\n'


def under(machine: Machine, policy: Policy, *, profile: str = PROFILE, more: str = "") -> Machine:
    """The machine with this policy in its profile, and what else the profile says."""
    path = saved(policy, machine.work / "a.policy")
    machine.use(profile.replace("POLICY", str(path)) + more)
    return machine
