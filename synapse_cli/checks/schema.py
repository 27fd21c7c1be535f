"""Does the answer satisfy a JSON Schema?

The schema is the rule's own (`file` or `inline`), else the request's (`--schema`, a route's). Nothing is fetched: a
`$ref` that leads out of the schema is a mistake in it. `jsonschema` is imported here and nowhere else.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from synapse_cli.checks import backtracking, fenced
from synapse_cli.checks.doubtful import one_line, unevaluated
from synapse_cli.core import child
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.verdict import Verdict

VALIDATE_S = 10.0
"""Seconds that the child may take for a schema whose patterns could backtrack for ever."""
_LARGEST = 1_000_000
_CHILD = (
    "import json,sys; sys.path[:0]=json.loads(sys.argv[1]);"
    "from synapse_cli.checks.schema import violation;"
    "s,v=json.load(sys.stdin); sys.stdout.buffer.write((violation(s,v) or '').encode())"
)


@dataclass(frozen=True, slots=True)
class Schema:
    """Passes an answer that is JSON (one fence forgiven) and satisfies the schema."""

    kind: ClassVar[str] = "schema"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    text: str | None = None
    """The rule's own schema as canonical JSON; None means the request's."""
    files: tuple[str, ...] = ()

    @classmethod
    def parse(cls, options: Options) -> Schema:
        """Read `file` or `inline`, and report a schema that is wrong."""
        path = options.path("file")
        inline = options.value("inline")
        if path is not None and inline is not None:
            options.problem("inline", "a second schema", "`file` or `inline`, not both")
        if path is not None:
            return cls(_canonical(_from_file(path, options), "file", options), (str(path),))
        if inline is None:
            return cls()
        if not isinstance(inline, dict):
            options.problem("inline", repr(inline), "a table: the JSON Schema itself")
            return cls()
        return cls(_canonical(inline, "inline", options))

    def ready(self, request: Request) -> None:
        """Raise UsageError where neither the rule nor the request has a schema."""
        if self.text is None and request.schema is None:
            raise UsageError("the rule `schema` has no schema", "give --schema FILE, or `file` or `inline` in the rule")

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Parse the answer and validate it."""
        self.ready(request)
        try:
            value, inner = fenced.read(completion.text)
        except fenced.NotJson as error:
            return Verdict(self.kind, passed=False, reason=one_line(f"not JSON: {error}"))
        schema = json.loads(self.text or request.schema or "{}")
        try:
            wrong = _violation_in_time(schema, value, len(completion.text), control)
        except TimeoutError as error:
            return unevaluated(self.kind, str(error), passes=False)
        if wrong is None:
            return Verdict(self.kind, passed=True, canonical=inner)
        return Verdict(self.kind, passed=False, reason=one_line(wrong))


def fault(schema: Json) -> str | None:
    """Say what is wrong with a JSON Schema itself, in one line; None where nothing is."""
    if not isinstance(schema, dict | bool):
        return f"a schema is an object, not {type(schema).__name__}"
    from jsonschema import SchemaError  # type: ignore[import-untyped]  # the package ships no types

    try:
        _validator_class(schema).check_schema(schema)
        return _lost_reference(schema)
    except SchemaError as error:
        return one_line(f"{error.json_path.replace('$', 'schema', 1)}: {_short(error.message)}")
    except RecursionError:
        return "the schema is nested too deeply"


def violation(schema: Json, value: Json) -> str | None:
    """Say how a value violates a schema, where (a JSON path) and what; None where it does not."""
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]  # the package ships no types
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # An empty registry of our own: without one, jsonschema fetches references over the network.
    validator = _validator_class(schema)(schema, registry=Registry())
    try:
        error = best_match(validator.iter_errors(value))
    except RecursionError:
        return "the value is nested too deeply"
    except Unresolvable as lost:
        return f"the reference {lost} leads nowhere"
    return None if error is None else f"{error.json_path}: {_short(error.message)}"


def _from_file(path: Path, options: Options) -> Json:
    """Read the file, or report why not and return None."""
    try:
        if path.exists() and not path.is_file():
            options.problem("file", repr(str(path)), "a regular file")
            return None
        data = path.read_bytes()
        if len(data) > _LARGEST:
            options.problem("file", f"{path} of {len(data)} bytes", f"a schema of at most {_LARGEST}")
            return None
        schema: Json = json.loads(data)
    except OSError as error:
        options.problem("file", f"{path}: {error.strerror}", "a file with a JSON Schema")
    except (ValueError, RecursionError) as error:
        options.problem("file", f"{path}, which is not JSON ({one_line(str(error))})", "a file with a JSON Schema")
    else:
        if schema is None:
            options.problem("file", f"{path}, which says null", "a file with a JSON Schema")
        return schema
    return None


def _canonical(schema: Json, key: str, options: Options) -> str:
    """The schema as the request would carry it; `{}` where it is wrong, which has been reported."""
    if schema is None:
        return "{}"
    try:
        wrong = fault(schema)
        if wrong is None:
            return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except TypeError:  # a TOML date or time inside an inline table
        wrong = "it holds a date, which JSON does not have"
    options.problem(key, "a wrong JSON Schema", f"a right one: {wrong}")
    return "{}"


def _validator_class(schema: Json) -> Any:  # a class that jsonschema generates; it has no better type
    from jsonschema.validators import Draft202012Validator, validator_for  # type: ignore[import-untyped]  # no types

    return validator_for(schema, default=Draft202012Validator)


def _lost_reference(schema: Json) -> str | None:
    """Resolve every `$ref` where it stands, so that a lost one is found before an answer is paid for."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    named = schema.get("$schema") if isinstance(schema, dict) else None
    specification = specification_with(str(named), default=DRAFT202012) if named else DRAFT202012
    root = specification.create_resource(schema)
    waiting = [(root, Registry().resolver_with_root(root))]
    while waiting:
        resource, resolver = waiting.pop()
        reference = resource.contents.get("$ref") if isinstance(resource.contents, dict) else None
        try:
            if isinstance(reference, str):
                resolver.lookup(reference)
        except Unresolvable:
            return one_line(f"$ref {reference!r} leads nowhere in the schema (nothing is fetched)")
        waiting += [(inner, resolver.in_subresource(inner)) for inner in resource.subresources()]
    return None


def _violation_in_time(schema: Json, value: Json, length: int, control: Control) -> str | None:
    """Validate here, or in a child that can be killed where a pattern of the schema could take for ever."""
    if all(backtracking.steps(pattern, length) <= backtracking.FEW for pattern in _patterns(schema)):
        return violation(schema, value)
    # Isolated, because a working folder with a json.py of its own would otherwise be imported from.
    argv = (sys.executable, "-I", "-c", _CHILD, json.dumps([entry for entry in sys.path if entry]))
    task = json.dumps([schema, value]).encode()
    ended = child.run(argv, task, timeout_s=VALIDATE_S, control=control)
    if isinstance(ended, child.Unended):
        raise TimeoutError(f"the validation was {ended.reason}")
    if ended.exit_code != 0:
        raise TimeoutError(f"the validation failed with exit code {ended.exit_code}")
    return ended.out.decode() or None


def _patterns(schema: Json) -> list[str]:
    """Every text that jsonschema may use as a regular expression (some are only property names: no harm)."""
    found: list[str] = []
    waiting: list[Json] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            pattern, by_name = node.get("pattern"), node.get("patternProperties")
            found += [pattern] if isinstance(pattern, str) else []
            found += list(by_name) if isinstance(by_name, dict) else []
            waiting += node.values()
    return found


def _short(message: str) -> str:
    """Cut the value out of the middle of a long message: jsonschema quotes all of it."""
    flat = re.sub(r"\s+", " ", message)
    return flat if len(flat) <= 160 else f"{flat[:80]} … {flat[-70:]}"
