"""Name the kinds of values: how each is made, and what people call a field that holds one."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

from synapse_cli.lab.nano import values

# Each kind of value: how it is made, and the names that people give to such a field.
KINDS: dict[str, tuple[Callable[[Random], str], tuple[str, ...]]] = {
    "code": (
        values.code,
        (
            "order number",
            "order id",
            "invoice number",
            "ticket id",
            "tracking number",
            "reference",
            "booking code",
            "customer number",
            "serial number",
            "case number",
            "part number",
            "account number",
            "confirmation code",
            "sku",
            "request id",
            "transaction id",
            "membership number",
            "policy number",
            "reservation number",
            "batch",
            "model",
            "error code",
            "voucher code",
            "flight number",
            "license key",
        ),
    ),
    "person": (
        values.person,
        (
            "name",
            "customer name",
            "sender",
            "author",
            "full name",
            "contact",
            "patient",
            "employee",
            "guest",
            "client",
            "recipient",
            "owner",
            "assignee",
            "manager",
            "driver",
            "student",
            "speaker",
            "reporter",
            "buyer",
            "doctor",
        ),
    ),
    "date": (
        values.date,
        (
            "date",
            "due date",
            "order date",
            "delivery date",
            "departure date",
            "birth date",
            "deadline",
            "start date",
            "expiry date",
            "day",
            "check-in",
            "invoice date",
            "appointment date",
            "arrival",
        ),
    ),
    "clock": (
        values.clock,
        ("time", "start time", "arrival time", "departure time", "meeting time", "opening time", "when"),
    ),
    "amount": (
        values.amount,
        (
            "amount",
            "total",
            "price",
            "total amount",
            "balance",
            "fee",
            "cost",
            "refund amount",
            "salary",
            "deposit",
            "sum",
            "budget",
            "rent",
            "tax",
        ),
    ),
    "email": (values.email, ("email", "e-mail", "email address", "contact email", "mail address", "reply address")),
    "phone": (values.phone, ("phone", "phone number", "telephone", "mobile", "contact number")),
    "ip": (values.ip, ("ip", "ip address", "source ip", "client ip", "server address", "remote address")),
    "path": (values.path, ("path", "file", "file path", "endpoint", "route", "log file", "location on disk")),
    "duration": (
        values.duration,
        ("duration", "latency", "response time", "uptime", "waiting time", "elapsed", "length", "timeout"),
    ),
    "city": (
        lambda rng: rng.choice(values.CITIES),
        ("city", "destination", "location", "place", "town", "office", "origin", "venue", "warehouse", "branch"),
    ),
    "company": (
        lambda rng: rng.choice(values.COMPANIES) + rng.choice(("", "", " Inc.", " GmbH", " Ltd", " Group", " Corp")),
        ("company", "vendor", "employer", "supplier", "organization", "merchant", "airline", "bank"),
    ),
    "product": (
        lambda rng: (
            f"{rng.choice(values.COLOURS)} {rng.choice(values.PRODUCTS)}"
            if rng.random() < 0.4
            else rng.choice(values.PRODUCTS)
        ),
        ("product", "item", "article", "device", "purchase", "what was bought"),
    ),
    "count": (
        lambda rng: str(rng.randint(1, 500)),
        (
            "quantity",
            "count",
            "number of items",
            "age",
            "seats",
            "guests",
            "attempts",
            "pages",
            "units",
            "retries",
            "score",
            "weight",
        ),
    ),
    "port": (
        lambda rng: values.digits(rng, 2, 5),
        ("port", "pid", "status code", "line number", "exit code", "zip code", "year", "room number"),
    ),
    "service": (
        lambda rng: rng.choice(values.SERVICES),
        ("service", "host", "server", "process", "component", "hostname", "module", "container", "user agent"),
    ),
    "user": (
        lambda rng: rng.choice(
            (
                rng.choice(values.FIRST).lower(),
                f"{rng.choice(values.FIRST)[0]}{rng.choice(values.LAST)}".lower(),
                values.letters(rng, 4, 8, string.ascii_lowercase),
            )
        ),
        ("user", "username", "login", "account", "user id", "handle"),
    ),
    "state": (lambda rng: rng.choice(values.STATES), ("status", "state", "result", "stage", "condition")),
    "plan": (lambda rng: rng.choice(values.PLANS), ("plan", "tier", "subscription", "package", "edition", "role")),
    "version": (
        lambda rng: (
            f"{rng.choice(('v', ''))}{rng.randint(0, 20)}.{rng.randint(0, 30)}"
            + rng.choice(("", f".{rng.randint(0, 20)}"))
        ),
        ("version", "release", "build", "firmware", "app version"),
    ),
    "street": (
        lambda rng: (
            f"{rng.randint(1, 250)} {rng.choice(values.STREETS)} {rng.choice(('Street', 'Road', 'Avenue', 'Lane'))}"
        ),
        ("address", "street", "shipping address", "delivery address"),
    ),
    "url": (
        values.url,
        ("url", "link", "website", "web address"),
    ),
    "spot": (
        values.spot,
        ("room", "seat", "gate", "platform", "desk", "meeting room"),
    ),
    "percent": (
        lambda rng: f"{rng.randint(1, 100)}%",
        ("percentage", "discount", "rate", "usage", "share", "battery level", "progress"),
    ),
    "nonsense": (
        values.nonsense,
        (
            "keyword",
            "project",
            "codename",
            "label",
            "tag",
            "title",
            "nickname",
            "brand",
            "password",
            "topic",
            "species",
            "drug",
            "street name",
        ),
    ),
    "colour": (lambda rng: rng.choice(values.COLOURS), ("color", "colour", "shade")),
    "size": (
        lambda rng: rng.choice(
            (
                f"{rng.randint(1, 900)} {rng.choice(('MB', 'GB', 'KB', 'kg', 'g', 'cm', 'm', 'ml', 'km'))}",
                f"{rng.randint(10, 99)}x{rng.randint(10, 99)} cm",
                "XL",
                "medium",
                "38",
            )
        ),
        ("size", "dimensions", "capacity", "dose", "volume", "distance"),
    ),
}
