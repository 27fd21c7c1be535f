"""A route with a policy: the way is chosen prompt by prompt, told, recorded, and never trusted beyond its file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synapse_cli.core.prompt import Json
from synapse_cli.core.way import Way
from synapse_cli.learned.encoder import identity
from synapse_cli.learned.policy import canonical
from synapse_cli.profile.model import Model
from tests.e2e.machine import Machine
from tests.e2e.policed import PROFILE, under
from tests.encoders import tiny_encoders
from tests.flows.policies import EASY, FIXED, HARD, choosing, embedded, uncertified


def test_each_prompt_goes_the_cheapest_way_that_is_good_enough(machine: Machine) -> None:
    under(machine, choosing())

    easy, hard = machine.synapse("run", EASY), machine.synapse("run", HARD)

    assert (easy.out, hard.out) == (b"from small\n", b"from large\n")
    assert easy.err == hard.err == ""


def test_json_says_which_policy_chose_which_way_and_what_it_promises(machine: Machine) -> None:
    under(machine, choosing())

    told = machine.synapse("run", "--json", EASY).json

    assert told["policy"] == {
        "sha256": told["policy"]["sha256"],
        "way": "small",
        "certified": True,
        "promise": "loses at most 1 point against large, 95% confidence",
        "explored": False,
    }
    assert len(told["policy"]["sha256"]) == 64
    assert "small by policy: good with a chance of" in told["route_why"]
    assert told["saved_usd"] == "0.00098", "against the model that the policy is measured by"
    assert machine.ledger("SELECT policy, way, certified FROM decisions") == [(told["policy"]["sha256"], "small", 1)]


def test_every_run_under_an_uncertified_policy_says_so(machine: Machine) -> None:
    under(machine, uncertified(choosing()))

    told, loud = machine.synapse("run", "--json", EASY).json, machine.synapse("run", "-v", "--no-cache", EASY)

    assert told["policy"]["certified"] is False
    assert "not certified" in told["policy"]["promise"]
    assert "not certified" in loud.err
    assert machine.ledger("SELECT DISTINCT certified FROM decisions") == [(0,)]
    assert machine.synapse("run", "--no-cache", EASY).err == "", "a pipe that asked for nothing hears nothing"


def test_a_changed_policy_is_never_answered_from_the_memo(machine: Machine) -> None:
    under(machine, replace(FIXED, always=0))
    first = [machine.synapse("run", EASY).out for _ in range(2)]

    under(machine, replace(FIXED, always=2))

    assert first == [b"from small\n", b"from small\n"]
    assert machine.synapse("run", EASY).out == b"from large\n"


STRANGE = (Way(("small",)), Way(("middle",)), Way(("gpt-9",)))


def test_a_policy_for_other_models_names_the_model_and_the_way_out(machine: Machine) -> None:
    done = under(machine, choosing(ways=STRANGE)).synapse("run", EASY)

    assert done.code == 78
    assert "routes.default.policy" in done.err
    assert "a.policy" in done.err
    assert "'gpt-9'" in done.err
    assert "synapse tune" in done.err


def test_a_policy_of_one_way_needs_no_models_but_those_of_that_way(machine: Machine) -> None:
    """`synapse tune` keeps every way that it looked at, so that people can compare them."""
    under(machine, replace(FIXED, ways=STRANGE))

    assert machine.synapse("run", EASY).out == b"from small\n"
    told = machine.synapse("explain", "--json", EASY).json["policy"]["ways"][2]["why"]
    assert told.endswith("it may not be taken: the profile has no model 'gpt-9'")


def test_profile_check_reads_the_policies_of_all_routes(machine: Machine) -> None:
    under(machine, choosing(ways=STRANGE))

    done = machine.synapse("profile", "check")

    assert done.code == 78
    assert "routes.default.policy" in done.err
    assert "'gpt-9'" in done.err


@pytest.mark.parametrize("harm", ["missing", "damaged", "another kind"])
def test_a_policy_file_that_is_no_use_ends_the_run_with_78(machine: Machine, harm: str) -> None:
    under(machine, FIXED)
    machine.synapse("run", "before")  # the profile is compiled now: what is missing later must still be seen
    path = machine.work / "a.policy"
    if harm == "missing":
        path.unlink()
    elif harm == "damaged":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    else:
        path.write_bytes(b"not a policy at all")

    done = machine.synapse("run", EASY)

    assert done.code == 78
    assert "routes.default.policy" in done.err
    assert "synapse tune" in done.err
    assert machine.synapse("run", "--json", EASY).json["error"]["kind"] == "profile"


def test_a_cascade_of_the_policy_climbs_by_its_own_rules(machine: Machine) -> None:
    accept = (canonical({"kind": "regex", "pattern": "from (middle|large)"}),)
    way = Way(("small", "middle", "large"), accept)
    under(machine, replace(FIXED, ways=(way, *FIXED.ways[1:])))

    told = machine.synapse("run", "--json", EASY).json

    assert told["tier"] == "middle"
    assert [(each["from"], each["to"]) for each in told["escalations"]] == [("small", "middle")]
    assert told["policy"]["way"] == "small > middle > large"


def test_a_partner_that_has_become_another_model_is_asked_again(machine: Machine) -> None:
    """Else the verdict that was kept beside the cached answer would speak for a model that is gone."""
    way = Way(("small", "large"), (canonical({"kind": "agree", "with": "middle"}),))
    policy = replace(FIXED, ways=(way, *FIXED.ways[1:]))
    under(machine, policy, profile=PROFILE.replace("from middle", "from small"))
    agreed = machine.synapse("run", "--json", EASY).json

    under(machine, policy)

    assert agreed["tier"] == "small"
    assert machine.synapse("run", "--json", EASY).json["tier"] == "large"


def test_what_the_route_says_of_a_valid_answer_binds_whatever_the_policy_chose(machine: Machine) -> None:
    cascade = '[cascades.strict]\ntiers = ["large"]\naccept = [{ kind = "regex", pattern = "large" }]\n'
    profile = PROFILE.replace('use = "large"', 'use = "strict"')

    done = under(machine, FIXED, profile=profile, more=cascade).synapse("run", EASY)

    assert done.code == 65
    assert done.out == b"from small\n"


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ({"kind": "command", "argv": ["touch", "harm"]}, "runs a program (command)"),
        ({"kind": "no-such-check"}, "runs a program (no-such-check)"),
        ({"kind": "judge", "model": "small", "rubric": "@/etc/hostname"}, "sends a file to a model (rubric)"),
    ],
)
def test_a_policy_is_data_and_can_do_no_harm(machine: Machine, rule: dict[str, Json], harm: str) -> None:
    text = canonical(rule)
    under(machine, replace(FIXED, ways=(Way(("small", "large"), (text,)), *FIXED.ways[1:])))

    done = machine.synapse("run", EASY)

    assert done.code == 78
    assert harm in done.err
    assert not (machine.work / "harm").exists()
    assert machine.calls == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [({"kind": "confidence", "min": 7}, "accept[0].min"), ({"kind": "agree", "with": "gpt-9"}, "the model 'gpt-9'")],
)
def test_a_wrong_rule_of_the_policy_is_found_before_anything_is_paid(
    machine: Machine, rule: dict[str, Json], told: str
) -> None:
    way = Way(("small", "large"), (canonical(rule),))
    under(machine, replace(FIXED, ways=(way, *FIXED.ways[1:])))

    done = machine.synapse("run", EASY)

    assert done.code == 78
    assert told in done.err
    assert machine.calls == []


def test_a_tier_that_is_named_goes_before_the_policy(machine: Machine) -> None:
    under(machine, FIXED)

    told = machine.synapse("run", "--json", "--tier", "middle", EASY).json

    assert (told["tier"], told["policy"]) == ("middle", None)


def test_a_route_of_a_policy_alone_needs_no_use(machine: Machine) -> None:
    under(machine, FIXED, profile=PROFILE.replace('use = "large"\n', ""))

    assert machine.synapse("run", EASY).out == b"from small\n"
    assert machine.synapse("run", "--max-tier", "middle", EASY).out == b"from middle\n"
    assert machine.synapse("run", "--tier", "nobody", EASY).code == 2


def test_what_may_not_be_asked_moves_the_choice_up_and_ends_the_certificate(machine: Machine) -> None:
    tenants = '[tenants.strict]\nmodels = ["middle", "large"]\n[tenants.best]\nmodels = ["large"]\n'
    under(machine, FIXED, more=tenants)

    middle = machine.synapse("run", "--json", "--tenant", "strict", EASY).json
    large = machine.synapse("run", "--json", "--tenant", "best", EASY).json

    assert (middle["tier"], middle["policy"]["certified"]) == ("middle", False)
    assert "small may not be taken" in middle["route_why"]
    assert (large["tier"], large["policy"]["certified"]) == ("large", True), "the baseline loses nothing against itself"


def test_a_policy_that_wants_an_embedding_and_gets_none_takes_the_best_and_says_so(machine: Machine) -> None:
    under(machine, choosing(predictor=embedded("somebody/encoder", 32)))

    done = machine.synapse("run", EASY)

    assert done.out == b"from large\n"
    assert "somebody/encoder" in done.err
    assert "large is taken" in done.err


def test_an_embedding_is_made_once_and_the_decision_kept(machine: Machine) -> None:
    """Shown by taking the encoder away: a kept decision does not miss it, a new prompt does."""
    path = tiny_encoders.bert(machine.work / "tiny.gguf")
    encoder = f'[models.enc]\nbackend = "encoder"\nsource = "file:{path}"\n'
    wanted = identity(Model(name="enc", backend="encoder", source=f"file:{path}"))
    under(machine, choosing(predictor=embedded(wanted, tiny_encoders.WIDTH)), more=encoder)
    first = machine.synapse("run", "--json", EASY).json
    path.write_bytes(b"gone")

    again, other = machine.synapse("run", "--json", EASY).json, machine.synapse("run", "--json", HARD).json

    assert first["warnings"] == again["warnings"] == []
    assert first["policy"] == again["policy"]
    assert first["route_why"] == again["route_why"]
    assert "there is none" in other["warnings"][0]
    assert other["tier"] == "large"
    kept = machine.synapse("cache", "list", "--json").json
    assert [each["kind"] for each in kept].count("decision") == 1, "what fell back for want of an encoder is not kept"


def test_words_alone_decide_anew_each_time_and_keep_nothing(machine: Machine) -> None:
    under(machine, choosing())
    machine.synapse("run", EASY)

    assert {each["kind"] for each in machine.synapse("cache", "list", "--json").json} == {"answer"}
