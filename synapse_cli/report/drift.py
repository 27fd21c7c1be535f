"""How is the drift of a policy told at a terminal?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synapse_cli.learned.drift import FEWEST


def lines(name: str, told: Mapping[str, Any]) -> Iterator[str]:
    """A policy's lines, from what `--json` says of it."""
    made = f", made {told['made'][:10]}" if told["made"] else ""
    yield f"{name}: {told['promise']}"
    yield f"  policy   {told['policy'][:12]} of {told['rows']} rows{made}; {told['decisions']} decisions under it"
    for each in told["inputs"]:
        yield f"  prompts  {_input(each)}"
    for each in told["outcomes"]:
        yield f"  outcomes {_outcome(each)}"
    yield f"  labels   {told['new_labels']} prompts judged since"
    yield f"  {_advice(told)}"


def _input(each: Mapping[str, Any]) -> str:
    if each["psi"] is None:
        return f"{each['what']}: not looked at: {each['why_not']}"
    told = f"PSI {each['psi']:.3f}, chance up to {each['limit']:.3f}, {each['n']} seen"
    if each["n"] < FEWEST:
        return f"{each['what']}: too few to tell ({each['n']} seen)"
    return f"{each['what']}: {'moved' if each['drifted'] else 'as before'} ({told})"


def _outcome(each: Mapping[str, Any]) -> str:
    if each["found"] is None:
        return f"{each['what']}: nothing yet, {each['allowed']:.4g} was promised or measured"
    state = "worse than promised" if each["broken"] else "nothing speaks against it"
    return f"{each['what']}: {each['found']:.4g} of {each['allowed']:.4g}, {each['n']} seen: {state}"


def _advice(told: Mapping[str, Any]) -> str:
    if told["reasons"]:
        return f"tune again: {'; '.join(told['reasons'])}"
    if told["may_gain"]:
        return "tune again when it suits: there are as many new labels as it was made from"
    return "nothing speaks for tuning again"
