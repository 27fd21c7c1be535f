"""Turn flags into an Ask: read the inputs, and say everything that is wrong with a flag before anything runs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from synapse_cli.cli.flags import Flags
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask, CacheMode
from synapse_cli.flows.tenancy import VARIABLE
from synapse_cli.profile.model import Profile


@dataclass(frozen=True, slots=True)
class Asked:
    """An Ask, and whether its inputs could be read again the same (a pipe named as a file could not)."""

    ask: Ask
    repeatable: bool


def wishes(flags: Flags, witness: Witness) -> Ask:
    """What the flags say, before the profile and the inputs are looked at. Raises UsageError for a wrong one.

    InputError where a file that a flag names is not there.
    """
    _refuse_contradictions(flags)
    return Ask(
        prompt="",
        route=flags.route,
        model=flags.model,
        task=flags.task,
        tags=tuple(flags.tag or ()),
        template=flags.template,
        template_params=dict(_pair("-p", text) for text in flags.param_of_template or ()),
        params=_params(flags),
        choices=_choices(flags.choices),
        tier=flags.tier,
        max_tier=flags.max_tier,
        local_only=flags.local_only,
        hosted_only=flags.hosted_only,
        max_latency_s=seconds("--max-latency", flags.max_latency),
        min_quality=_share("--min-quality", flags.min_quality),
        max_cost=money("--max-cost", flags.max_cost),
        timeout_s=seconds("--timeout", flags.timeout),
        cache=_cache_mode(flags),
        cache_ttl_s=seconds("--cache-ttl", flags.cache_ttl),
        log=not flags.no_log,
        tenant=flags.tenant or os.environ.get(VARIABLE) or None,
        hosts=not flags.no_host,
        force=flags.force,
        system=_system(flags.system, witness),
        schema=_schema(flags.schema, witness),
        grammar=_grammar(flags.grammar, witness),
    )


def asked(flags: Flags, wanted: Ask, profile: Profile, witness: Witness) -> Asked:
    """Read the inputs. Raises InputError for one that is not there, UsageError where there is none at all."""
    from synapse_cli.context.inputs import gather

    inputs = gather(
        flags.prompt or [],
        flags.file or [],
        _stdin(),
        cwd=os.getcwd(),
        encoding=flags.encoding or "utf-8",
        max_bytes=profile.defaults.max_input,
        witness=witness,
        may_be_empty=flags.template is not None,
    )
    ask = replace(wanted, prompt=inputs.text, words=inputs.words, input=inputs.attached, files=inputs.files)
    return Asked(ask, inputs.memoisable)


def _refuse_contradictions(flags: Flags) -> None:
    pairs = [
        ("--model", flags.model, "--route", flags.route),
        ("--local-only", flags.local_only, "--hosted-only", flags.hosted_only),
        ("--refresh", flags.refresh, "--cache-only", flags.cache_only),
        ("--no-cache", flags.no_cache, "--cache-only", flags.cache_only),
        ("--no-cache", flags.no_cache, "--refresh", flags.refresh),
        ("--schema", flags.schema, "--choices", flags.choices),
        ("--grammar", flags.grammar, "--schema", flags.schema),
        ("--grammar", flags.grammar, "--choices", flags.choices),
        ("--tier", flags.tier, "--max-tier", flags.max_tier),
        ("--verbose", flags.verbose, "--quiet", flags.quiet),
        ("--thinking", flags.thinking, "--quiet", flags.quiet),
    ]
    for name, value, other, second in pairs:
        if value and second:
            raise UsageError(f"{name} and {other} contradict each other", "give one of them")


def _stdin() -> bytes | None:
    """What was piped in, or None at a terminal. The memo may have read it already."""
    memo = sys.modules.get("synapse_cli.cache.memo")
    already: bytes | None = getattr(memo, "stdin_bytes", None)
    if already is not None:
        return already
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"stdin cannot be read: {error.strerror}", "give a file with -f instead") from error


def _system(text: str | None, witness: Witness) -> str | None:
    if text is None or not text.startswith("@"):
        return text
    return _read(text[1:], "--system", witness)


def _schema(path: str | None, witness: Witness) -> Json:
    if path is None:
        return None
    text = _read(path, "--schema", witness)
    try:
        schema: Json = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--schema: {path} is not JSON: {error}", "give a file that holds one JSON Schema") from error
    except RecursionError as error:
        raise UsageError(f"--schema: {path} is nested too deeply", "describe less depth, or use $ref") from error
    from synapse_cli.checks.schema import fault

    problem = fault(schema)
    if problem:
        raise UsageError(f"--schema: {path} is not a JSON Schema: {problem}", "see https://json-schema.org")
    return schema


def _grammar(path: str | None, witness: Witness) -> str | None:
    if path is None:
        return None
    text = _read(path, "--grammar", witness)
    from synapse_cli.backends.gbnf_match import matcher

    try:
        matcher(text)
    except UsageError as error:
        raise UsageError(f"--grammar: {path}: {error.message}", error.hint) from error
    return text


def _read(path: str, flag: str, witness: Witness) -> str:
    from hashlib import sha256

    try:
        with open(path, "rb") as file:
            data = file.read()
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{flag}: there is no file {path!r}", "check the path") from error
    except OSError as error:
        raise InputError(f"{flag}: {path!r} cannot be read: {error.strerror}", "name a text file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{flag}: {path!r} is not UTF-8 (byte {error.start})", "convert it first") from error
    witness.read(path, sha256(data).hexdigest())
    return text


def _choices(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    labels = tuple(dict.fromkeys(label.strip() for label in text.split(",") if label.strip()))
    if len(labels) < 2:
        raise UsageError(f"--choices needs two labels or more, found {text!r}", "for example --choices yes,no")
    return labels


def _params(flags: Flags) -> dict[str, Json]:
    params: dict[str, Json] = {}
    for text in flags.param or ():
        key, value = _pair("--param", text)
        try:
            params[key] = json.loads(value)
        except (ValueError, RecursionError):
            params[key] = value
    if flags.seed is not None:
        params["seed"] = flags.seed
    if flags.effort is not None:
        params["effort"] = _effort(flags.effort)
    return params


def _effort(text: str) -> str:
    from synapse_cli.profile.model import EFFORTS

    if text not in EFFORTS:
        raise UsageError(f"--effort takes {', '.join(EFFORTS)}, found {text!r}", "for example --effort low")
    return text


def _pair(flag: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{flag} takes KEY=VALUE, found {text!r}", f"for example {flag} name=value")
    return key.strip(), value


def money(flag: str, text: str | None) -> Decimal | None:
    """The dollars that a flag gives; None where it was not given."""
    if text is None:
        return None
    try:
        amount = Decimal(text.removeprefix("$").removesuffix("USD").strip())
    except InvalidOperation as error:
        raise UsageError(f"{flag} takes dollars, found {text!r}", f"for example {flag} 0.05") from error
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"{flag} takes dollars, found {text!r}", f"for example {flag} 0.05")
    return amount


def _share(flag: str, text: str | None) -> float | None:
    """A mean score in [0, 1], as a number or in per cent; None where it was not given."""
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(f"{flag} takes a mean score from 0 to 1, found {text!r}", f"for example {flag} 0.9") from error
    if not 0 <= share <= 1:
        raise UsageError(f"{flag} takes a mean score from 0 to 1, found {text!r}", f"for example {flag} 0.9")
    return share


def seconds(flag: str, text: str | None) -> float | None:
    """The seconds that a flag gives, as a number or a duration; None where it was not given."""
    if text is None:
        return None
    from synapse_cli.profile.units import duration_s

    try:
        value = float(text) if text.replace(".", "", 1).isdigit() else duration_s(text)
    except ValueError as error:
        raise UsageError(f"{flag} takes a duration, found {text!r}", f"for example {flag} 30 or {flag} 2h") from error
    if value <= 0:
        raise UsageError(f"{flag} must be more than 0, found {text!r}", f"for example {flag} 30")
    return value


def _cache_mode(flags: Flags) -> CacheMode:
    if flags.no_cache:
        return "off"
    if flags.refresh:
        return "refresh"
    return "only" if flags.cache_only else "normal"
