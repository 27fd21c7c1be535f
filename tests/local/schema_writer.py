"""Write by the schemas and grammars that arrive on stdin, one JSON line each; run as a process that may die."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model

backend = LlamaCpp(Model(name="tiny", backend="llama.cpp", source=sys.argv[1]))
for line in sys.stdin:
    asked = json.loads(line)
    params = {"temperature": 1.5, "top_k": 0, "top_p": 1, "min_p": 0, "seed": asked["seed"]}
    params["max_tokens"] = asked.get("max_tokens", 150)
    schema = json.dumps(asked["schema"]) if "schema" in asked else None
    request = Request(messages=(Message("user", "?"),), params=params, schema=schema, grammar=asked.get("grammar"))
    try:
        given = backend.complete(request, Control())
        answer = {"text": given.text, "finish": given.finish, "confidence": given.confidence}
    except SynapseError as error:
        answer = {"error": error.message, "hint": error.hint, "finish": None}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
