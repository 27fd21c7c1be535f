"""Read an answer as JSON, strictly, except that one Markdown fence around the whole of it is forgiven."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from synapse_cli.core.prompt import Json

_ONE_FENCE = re.compile(r"\A(`{3,}|~{3,})[ \t]*[\w+-]*[ \t]*\r?\n(.*)\n[ \t]*\1[ \t]*\Z", re.DOTALL)


class NotJson(ValueError):
    """The text is no JSON; the message says where it goes wrong."""


def read(text: str) -> tuple[Json, str | None]:
    """Return the value, and the text inside the fence where there was one (that is what gets printed).

    Raises NotJson. NaN and Infinity are refused: Python reads them, JSON does not have them.
    """
    bare = text.strip()
    fence = _ONE_FENCE.match(bare)
    inner = fence.group(2).strip() if fence else None
    try:
        value: Json = json.loads(bare if inner is None else inner, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotJson(_where(error, bare if inner is None else inner)) from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:  # a whole number of more digits than Python converts
        raise NotJson(str(error)) from None
    return value, inner


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is not JSON")


def _where(error: json.JSONDecodeError, text: str) -> str:
    if not text:
        return "the answer is empty"
    what = "text after the end of the value" if error.msg == "Extra data" else error.msg[:1].lower() + error.msg[1:]
    return f"{what} (line {error.lineno}, column {error.colno})"
