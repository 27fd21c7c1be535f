"""Every exception class that can come out of LiteLLM has its place among our errors."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from synapse_cli.backends.litellm_errors import CLASSES, class_of, translate
from synapse_cli.backends.litellm_package import package
from synapse_cli.core.errors import BackendError, Refused, ServerFailed, SynapseError, TimedOut
from tests.hosted.site import CANARY


@pytest.fixture(scope="module")
def litellm() -> ModuleType:
    module: ModuleType = package()
    return module


def _exceptions(module: ModuleType, package_name: str) -> list[type[BaseException]]:
    return sorted(
        {
            value
            for value in list(vars(module).values())
            if inspect.isclass(value)
            and issubclass(value, Exception)
            and value.__module__.partition(".")[0] == package_name
        },
        key=lambda kind: kind.__name__,
    )


def test_every_class_of_litellm_has_a_line_of_its_own(litellm: ModuleType) -> None:
    from litellm import exceptions

    found = {*_exceptions(exceptions, "litellm"), *_exceptions(litellm, "litellm")}
    unmapped = [kind.__name__ for kind in found if f"litellm.{kind.__name__}" not in CLASSES]

    assert len(found) >= 30
    assert unmapped == []


def test_what_litellm_says_twice_is_said_once(litellm: ModuleType) -> None:
    said = litellm.Timeout("litellm.Timeout: Request timed out. Error_str: Request timed out.", "x", "openai")

    assert translate(said, "openai/x", ()).message == "openai/x gave no answer in time: Request timed out."


def test_no_line_of_the_table_is_for_a_class_that_is_gone(litellm: ModuleType) -> None:
    from litellm import exceptions

    lines = [name.partition(".")[2] for name in CLASSES if name.startswith("litellm.")]

    assert [name for name in lines if not (hasattr(exceptions, name) or hasattr(litellm, name))] == []


@pytest.mark.parametrize("name", ["openai", "httpx", "httpcore"])
def test_every_class_of_the_packages_below_is_mapped_by_itself_or_a_named_ancestor(name: str) -> None:
    import importlib

    module = importlib.import_module(name)
    found = _exceptions(module, name)
    mapped_by = {
        kind: next(
            (
                f"{ancestor.__module__.partition('.')[0]}.{ancestor.__name__}"
                for ancestor in kind.__mro__
                if f"{ancestor.__module__.partition('.')[0]}.{ancestor.__name__}" in CLASSES
            ),
            "",
        )
        for kind in found
    }

    assert len(found) >= 10
    assert [kind.__name__ for kind, line in mapped_by.items() if line in {"", "builtins.Exception"}] == []


def test_every_mapped_class_is_could_not_or_may_not() -> None:
    assert [name for name, kind in CLASSES.items() if not issubclass(kind, BackendError | Refused)] == []


def test_what_nobody_foresaw_is_still_one_clear_line() -> None:
    class Odd(Exception):
        pass

    error = translate(Odd(f"first\nsecond {CANARY}"), "openai/x", (CANARY,))

    assert type(error) is BackendError
    assert error.message == "openai/x failed: first second [hidden]"


@pytest.mark.parametrize(
    ("foreign", "kind"),
    [(TimeoutError("t"), TimedOut), (ConnectionResetError("r"), ServerFailed), (OSError("o"), ServerFailed)],
)
def test_errors_of_python_itself_are_mapped(foreign: Exception, kind: type[SynapseError]) -> None:
    assert class_of(type(foreign)) is kind


def test_the_cause_is_kept_without_the_key() -> None:
    error = translate(ValueError(f"Bearer {CANARY}"), "openai/x", (CANARY,))

    assert str(error.__cause__) == "builtins.ValueError: Bearer [hidden]"
