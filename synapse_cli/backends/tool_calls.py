"""What does a call of a tool say? The name and the arguments, in whichever of the common forms a model writes them."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping

from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json

_LONGEST = 200_000
_NAME_KEYS = ("name", "tool_name", "function")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
_TAGGED = re.compile(
    r"<(?:function=|invoke name=|function name=)\"?(?P<name>[\w.-]+)\"?>(?P<body>.*?)</(?:function|invoke)>", re.DOTALL
)
_PARAMETER = re.compile(
    r"<(?:parameter=|parameter name=|param name=)\"?(?P<name>[\w.-]+)\"?(?: string=\"\w+\")?>"
    r"(?P<value>.*?)</param(?:eter)?>",
    re.DOTALL,
)
_DSML = "\uff5cDSML\uff5c"
"""DeepSeek writes this into each of its tags."""
_KEYED = re.compile(r"<arg_key>(?P<name>.*?)</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>", re.DOTALL)
_NAMED = re.compile(r"\s*(?:function<\uff5ctool\u2581sep\uff5c>)?\s*(?:functions\.)?([\w.-]+?)(?::\d+)?\s*(?=[^\w.:-])")
_BETWEEN = re.compile(
    r"(?:\s|[,;\]]|\[TOOL_CALLS\]|\[ARGS\]|\[CALL_ID\]\w+|<\|tool_call(?:_argument)?_(?:begin|end)\|>"
    r"|<\uff5ctool\u2581(?:call\u2581begin|call\u2581end|sep)\uff5c>|```(?:json)?)+"
)
_GEMMA = re.compile(r"\s*call:([\w.-]+)(\{.*\})\s*$", re.DOTALL)
_GEMMA_QUOTES = ('<|"|>', "<escape>")
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_][\w-]*)(\s*:)")

_TOOL = 'a tool looks like {"name": "…", "description": "…", "parameters": {…}}'

Tools = Mapping[str, Mapping[str, Json]]
"""The tools that were offered: name -> JSON Schemas of their arguments by name."""
Calls = list[tuple[str, dict[str, Json]]]


class _NoCall(Exception):
    """The text is not a call in this form."""


def offered(tools: tuple[str, ...]) -> dict[str, dict[str, Json]]:
    """The tools of a request by name. Raises UsageError for one that is no tool."""
    found: dict[str, dict[str, Json]] = {}
    for text in tools:
        function = as_function(text)
        name, parameters = function.get("name"), function.get("parameters")
        if not isinstance(name, str) or not name:
            raise UsageError("a tool has no name", _TOOL)
        properties = parameters.get("properties") if isinstance(parameters, dict) else None
        found[name] = dict(properties) if isinstance(properties, dict) else {}
    return found


def as_function(text: str) -> dict[str, Json]:
    """The description of a tool: name, description and parameters."""
    try:
        tool: Json = json.loads(text)
    except ValueError as error:
        raise UsageError(f"a tool is not JSON: {error}", _TOOL) from error
    if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
        tool = tool["function"]
    if not isinstance(tool, dict):
        raise UsageError("a tool is no JSON object", _TOOL)
    return tool


def written(name: str, arguments: Mapping[str, Json]) -> str:
    """A call as others read it."""
    return json.dumps(
        {"name": name, "arguments": dict(arguments)}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def read_calls(text: str, tools: Tools) -> list[str] | None:
    """Calls of offered tools that a text consists of; None where it is anything else."""
    if len(text) > _LONGEST:
        return None
    for read in (_json, _tagged, _keyed, _gemma, _python, _named):
        try:
            calls = read(text.strip(), tools)
        except (_NoCall, ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if calls and all(name in tools for name, _ in calls):
            return [written(name, arguments) for name, arguments in calls]
    return None


def _json(text: str, tools: Tools) -> Calls:
    """`{"name": …, "arguments": {…}}`, one or many, in a list or one after the other."""
    calls: Calls = []
    for value in _values(text):
        for entry in value if isinstance(value, list) else [value]:
            calls.append(_call(entry, tools))
    return calls


def _values(text: str) -> Iterator[Json]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if at < len(text):
            value, at = decoder.raw_decode(text, at)
            yield value


def _call(entry: Json, tools: Tools) -> tuple[str, dict[str, Json]]:
    if not isinstance(entry, dict):
        raise _NoCall("a call is an object")
    if isinstance(entry.get("function"), dict):
        return _call(entry["function"], tools)
    name = next((entry[key] for key in _NAME_KEYS if key in entry), None)
    if name is None and len(entry) == 1 and next(iter(entry)) in tools:
        ((name, arguments),) = entry.items()  # Apertus: the name is the key
    else:
        arguments = next((entry[key] for key in _ARGUMENT_KEYS if key in entry), {})
    if isinstance(arguments, str):
        arguments = json.loads(arguments or "{}")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise _NoCall("a call has a name and arguments")
    return name, arguments


def _tagged(text: str, tools: Tools) -> Calls:
    """`<function=NAME><parameter=KEY>value</parameter></function>`, or with JSON inside; `<invoke name="NAME">`."""
    calls: Calls = []
    for found in _whole(_TAGGED, text.replace(_DSML, "")):
        name, body = found["name"], found["body"]
        if body.lstrip().startswith("{"):
            arguments: Json = json.loads(body)
        else:
            arguments = {
                part["name"]: _typed(part["value"], tools.get(name, {}).get(part["name"]))
                for part in _whole(_PARAMETER, body)
            }
        if not isinstance(arguments, dict):
            raise _NoCall("arguments are an object")
        calls.append((name, arguments))
    return calls


def _keyed(text: str, tools: Tools) -> Calls:
    """GLM: the name, then keys and values in tags."""
    name, _, rest = text.partition("<arg_key>")
    if not rest:
        return [(name.strip(), {})] if name.strip() in tools else []
    name = name.strip()
    schemas = tools.get(name, {})
    found = _whole(_KEYED, f"<arg_key>{rest}")
    return [(name, {part["name"]: _typed(part["value"], schemas.get(part["name"])) for part in found})]


def _whole(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """All matches; raises _NoCall where anything else stands between them."""
    found = list(pattern.finditer(text))
    if pattern.sub("", text).strip():
        raise _NoCall("something else is written beside")
    return found


def _typed(text: str, schema: Json) -> Json:
    """A value that stands in tags: as it is where a text is wanted, else as JSON."""
    value = text[1:].removesuffix("\n") if text.startswith("\n") else text
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "string":
        return value
    try:
        parsed: Json = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed


def _gemma(text: str, tools: Tools) -> Calls:
    """`call:NAME{key:value}`, where texts stand between marks of their own and names are bare."""
    del tools
    found = _GEMMA.match(text)
    if found is None:
        return []
    mark = next((mark for mark in _GEMMA_QUOTES if mark in text), _GEMMA_QUOTES[0])
    parts = found.group(2).split(mark)
    as_json = "".join(
        json.dumps(part) if place % 2 else _BARE_KEY.sub(r'\1"\2"\3', part) for place, part in enumerate(parts)
    )
    arguments: Json = json.loads(as_json)
    return [(found.group(1), arguments)] if isinstance(arguments, dict) else []


def _python(text: str, tools: Tools) -> Calls:
    """`[name(key=value), …]` or lines of such calls, with plain values. Nothing is run."""
    del tools
    calls: Calls = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of backslashes in its texts; nobody is to see that
        tree = ast.parse(text)
    for statement in tree.body:
        if not isinstance(statement, ast.Expr):
            raise _NoCall("only calls are read")
        listed = statement.value.elts if isinstance(statement.value, ast.List) else [statement.value]
        calls += [_python_call(expression) for expression in listed]
    return calls


def _python_call(expression: ast.expr) -> tuple[str, dict[str, Json]]:
    if isinstance(expression, ast.Call) and ast.unparse(expression.func) == "print" and len(expression.args) == 1:
        expression = expression.args[0]
    if not isinstance(expression, ast.Call) or expression.args or any(word.arg is None for word in expression.keywords):
        raise _NoCall("arguments are named")
    values: dict[str, Json] = {str(word.arg): ast.literal_eval(word.value) for word in expression.keywords}
    json.dumps(values, allow_nan=False)
    return ast.unparse(expression.func), values


def _named(text: str, tools: Tools) -> Calls:
    """`NAME{…}`, one after the other, with marks in between: DeepSeek, Kimi, Mistral."""
    del tools
    calls: Calls = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if at >= len(text):
            break
        named = _NAMED.match(text, at)
        if named is None:
            raise _NoCall("no name")
        gap = _BETWEEN.match(text, named.end())
        arguments, at = decoder.raw_decode(text, gap.end() if gap else named.end())
        if not isinstance(arguments, dict):
            raise _NoCall("arguments are an object")
        calls.append((named.group(1), arguments))
    return calls
