"""Everything that a plugin can do wrong."""

from __future__ import annotations

from synapse_cli.core.completion import FREE, Facts


def function() -> None:
    """Not a backend at all."""


class Leaky:
    """Is built, and fails when it is asked."""

    def __init__(self, model: object) -> None:
        del model

    def complete(self, request: object, control: object, emit: object = None) -> object:
        raise ZeroDivisionError("deep inside\nof the plugin")

    def facts(self) -> Facts:
        return Facts(is_local=True, provider="leaky", price=FREE)

    def count(self, messages: object) -> object:
        raise KeyError("count")


class Dazed(Leaky):
    """Fails while its options are read."""

    @classmethod
    def check_options(cls, options: object) -> None:
        raise ZeroDivisionError("while reading options")


class Lame:
    """Cannot count."""

    def complete(self, request: object, control: object, emit: object = None) -> object:
        raise NotImplementedError

    def facts(self) -> Facts:
        raise NotImplementedError


class DazedCheck:
    """Fails while its options are read."""

    kind = "dazed"
    binds = "validity"

    @classmethod
    def parse(cls, options: object) -> object:
        raise ZeroDivisionError("while reading options")

    def judge(self, request: object, completion: object, control: object) -> object:
        raise NotImplementedError


class LeakyCheck:
    """Is built, and fails when it judges."""

    kind = "leaky"
    binds = "validity"

    @classmethod
    def parse(cls, options: object) -> LeakyCheck:
        return cls()

    def judge(self, request: object, completion: object, control: object) -> object:
        raise ZeroDivisionError("while judging")
