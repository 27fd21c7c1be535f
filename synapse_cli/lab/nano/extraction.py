"""Make items that copy: one field, several fields as JSON, and key-value text to JSON."""

from __future__ import annotations

import json
from random import Random

from synapse_cli.lab.nano import kinds, layout, values
from synapse_cli.lab.nano.bank import Bank
from synapse_cli.lab.nano.items import Item
from synapse_cli.lab.nano.vocab import UNSURE

Fields = dict[str, str]

CARRIERS: dict[str, tuple[str, ...]] = {
    "code": (
        "my {f} is {v}",
        "{f}: {v}",
        "under {f} {v}",
        "regarding {v}",
        "{v} was created",
        "the {f} {v} still shows as open",
        "see {v}",
        "with {f} {v}",
        "re: {v}",
    ),
    "person": (
        "this is {v}",
        "{v} called about it",
        "please ask {v}",
        "signed, {v}",
        "Best regards, {v}",
        "{v} will take care of it",
        "according to {v}",
        "my name is {v}",
        "{v} wrote yesterday",
        "I spoke with {v}",
    ),
    "date": (
        "on {v}",
        "it was sent on {v}",
        "due by {v}",
        "it should arrive {v}",
        "since {v}",
        "planned for {v}",
        "until {v}",
        "{f} {v}",
    ),
    "clock": ("at {v}", "around {v}", "starting {v}", "not before {v}", "the {f} is {v}"),
    "amount": (
        "I paid {v}",
        "for {v}",
        "you charged me {v}",
        "the {f} is {v}",
        "it costs {v}",
        "a payment of {v} went through",
        "{v} in total",
    ),
    "email": (
        "write to {v}",
        "my address is {v}",
        "reach me at {v}",
        "send it to {v}",
        "mail from {v}",
        "contact: {v}",
    ),
    "phone": ("call {v}", "my number is {v}", "tel. {v}", "ring me on {v}", "phone {v}"),
    "ip": ("from {v}", "client {v}", "connection from {v} refused", "ping {v} fails", "host {v} is down"),
    "path": ("cannot open {v}", "in {v}", "GET {v} failed", "see {v}", "wrote {v}", "{v} is missing"),
    "duration": ("took {v}", "after {v}", "for {v}", "within {v}", "it lasted {v}"),
    "city": ("in {v}", "to {v}", "from {v}", "near {v}", "our office in {v}", "I live in {v}"),
    "company": ("from {v}", "at {v}", "{v} shipped it", "I work for {v}", "on behalf of {v}", "the vendor {v}"),
    "product": ("the {v} is broken", "I ordered a {v}", "my new {v}", "one {v}", "your {v} arrived"),
    "count": ("{v} times", "{f} {v}", "{f}={v}", "{v} of them"),
    "service": ("{v} restarted", "{v} reports a problem", "on {v}", "{v}:", "[{v}]"),
    "user": ("user {v} logged in", "user={v}", "my username is {v}", "login failed for {v}", "for user {v}"),
    "state": ("status {v}", "it is {v}", "marked as {v}", "state={v}"),
    "plan": ("on the {v} plan", "I have the {v} subscription", "upgrade to {v}"),
    "version": ("version {v}", "since {v}", "running {v}", "after updating to {v}"),
    "street": ("at {v}", "deliver to {v}", "I moved to {v}"),
    "spot": ("in {v}", "meet at {v}", "{v} please"),
    "nonsense": ("called {v}", "named {v}", "the {f} is {v}", "{f} {v}", "about {v}"),
}
PLAIN = ("{f}: {v}", "the {f} is {v}", "{f} {v}", "{f}={v}", "{f} is {v}", "with {f} {v}")
SINGLE = (
    "Extract the {f}",
    "Extract the {f}.",
    "What is the {f}?",
    "What's the {f}?",
    "{f}?",
    "Give me the {f}",
    "Return only the {f}.",
    "Find the {f} in this text",
    "Get the {f}",
    "Which {f} is mentioned?",
    "Pull out the {f}",
    "Print the {f} only",
    "The {f}, please",
    "Read off the {f}.",
    "Tell me the {f}",
    "extract {f}",
    "Output the {f} and nothing else",
    "What {f} does it say?",
    "Copy the {f}",
    "I need the {f}",
    "Name the {f}.",
    "Show the {f}",
)
SEVERAL = (
    "Extract {k} as JSON",
    "Extract {k} as JSON.",
    "Return JSON with the keys {k}",
    "JSON with {k}",
    "Give me {k} as a JSON object",
    "Get {k} in JSON format",
    "Output a JSON object with {k}.",
    "Extract the following fields as JSON: {k}",
    "Fields: {k}. Answer in JSON.",
    "Turn this into JSON with keys {k}",
    "extract {k} (json)",
    "Find {k}. Reply with JSON only.",
    "Parse {k} into JSON",
)
WHOLE = (
    "Convert to JSON",
    "Convert this to JSON.",
    "Turn this into JSON",
    "Turn these key-value lines into JSON",
    "As JSON",
    "Make a JSON object of this record",
    "to json",
    "Return this as JSON",
    "Parse this into JSON",
    "Rewrite as a JSON object.",
    "Key-value to JSON",
    "Give this as JSON, please",
    "Transform the fields below into JSON",
    "Output JSON",
)


def single(rng: Random, bank: Bank, fillers: list[str]) -> Item:
    """Ask for one field of a text; one time in twelve for a field that the text does not have."""
    text, fields = _source(rng, bank, fillers)
    if rng.random() < 0.08:
        absent = [
            n for _, names in kinds.KINDS.values() for n in names if not any(w in f for f in fields for w in n.split())
        ]
        name = rng.choice(absent)
        if not any(word in text.lower() for word in name.split()):
            return Item("extraction", layout.place(rng, _ask_one(rng, name), text), UNSURE)
    name = rng.choice(list(fields))
    return Item("extraction", layout.place(rng, _ask_one(rng, name), text), fields[name])


def several(rng: Random, bank: Bank, fillers: list[str]) -> Item:
    """Ask for several fields of a text as one JSON object, in the order asked."""
    text, fields = _source(rng, bank, fillers)
    names = rng.sample(list(fields), rng.randint(min(2, len(fields)), len(fields)))
    keys = {name: _key_style(rng, name) for name in names} if rng.random() < 0.3 else {n: n for n in names}
    quoted = rng.random() < 0.12
    shown = [f'"{keys[n]}"' if quoted else keys[n] for n in names]
    listed = ", ".join(shown) if len(shown) < 2 or rng.random() < 0.4 else ", ".join(shown[:-1]) + f" and {shown[-1]}"
    ask = rng.choice(SEVERAL).format(k=listed)
    return Item("json", layout.place(rng, ask, text), dump({keys[n]: fields[n] for n in names}))


def record(rng: Random) -> Item:
    """Turn key-value lines into one JSON object."""
    count = rng.randint(1, 6)
    fields: Fields = {}
    style = rng.random()
    for _ in range(count):
        kind = rng.choice(list(kinds.KINDS))
        make, names = kinds.KINDS[kind]
        name = rng.choice(names) if rng.random() < 0.75 else values.nonsense(rng).lower()
        fields[_key_style(rng, name) if style < 0.5 else name] = make(rng)
    joint = rng.choice((": ", ": ", ": ", "=", " = ", ":", "\t", " - ", " -> "))
    between = rng.choice(("\n", "\n", "\n", "\n", ", ", "; ", " | "))
    capital = rng.random() < 0.2
    if capital:
        fields = {k[:1].upper() + k[1:]: v for k, v in fields.items()}
    text = between.join(f"{k}{joint}{v}" for k, v in fields.items())
    return Item("json", layout.place(rng, rng.choice(WHOLE), text, "record"), dump(fields))


def dump(fields: Fields) -> str:
    """JSON as the model writes it: one line, every value a string."""
    return json.dumps(fields, ensure_ascii=False)


def _ask_one(rng: Random, name: str) -> str:
    ask = rng.choice(SINGLE).format(f=name)
    return ask[:1].upper() + ask[1:] if rng.random() < 0.8 else ask


def _key_style(rng: Random, name: str) -> str:
    style = rng.random()
    if style < 0.6:
        return name.replace(" ", "_").replace("-", "_")
    if style < 0.8:
        head, *rest = name.split()
        return head + "".join(w.capitalize() for w in rest)
    return name.title() if style < 0.9 else name


def _source(rng: Random, bank: Bank, fillers: list[str]) -> tuple[str, Fields]:
    """A text with fields: from the bank, or composed of random values in plain sentences."""
    written = [t for t in bank.texts if t.fields]
    if written and rng.random() < 0.35:
        text = rng.choice(written)
        return text.text, text.fields
    chosen = rng.sample(list(kinds.KINDS), rng.randint(1, 5))
    fields, pieces = {}, []
    lines = rng.random() < 0.25
    for kind in chosen:
        make, names = kinds.KINDS[kind]
        name, value = rng.choice(names), make(rng)
        if name in fields:
            continue
        fields[name] = value
        forms = ("{f}: {v}",) if lines else CARRIERS.get(kind, PLAIN) if rng.random() < 0.65 else PLAIN
        pieces.append(rng.choice(forms).format(f=name, v=value))
    if lines:
        return "\n".join(p[:1].upper() + p[1:] for p in pieces), fields
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        pieces.insert(rng.randint(0, len(pieces)), rng.choice(fillers))
    return _sentence(rng, pieces), fields


def _sentence(rng: Random, pieces: list[str]) -> str:
    joint = rng.choice((". ", ". ", ", ", " ", "; ", " - "))
    text = joint.join(p[:1].upper() + p[1:] if joint == ". " else p for p in (piece.rstrip(".") for piece in pieces))
    return text + rng.choice((".", ".", "", "!"))
