"""Read the keys a model may use: from the environment, a file, a command, or the system's keyring."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping

from synapse_cli.core.errors import EngineMissing, KeyMissing, NotAllowed, SynapseError
from synapse_cli.core.providers import is_loopback, key_variables, needs_key, provider_of
from synapse_cli.core.redact import one_line
from synapse_cli.profile.model import Model

COMMAND_TIMEOUT_S = 10.0
"""How long a `cmd:` key may take (pinned in the interface)."""
_MAX_BYTES = 64_000


def key_source(model: Model, env: Mapping[str, str]) -> Callable[[], tuple[str, ...]]:
    """Return a function that reads the keys when it is first called, and remembers them: a `cmd:` runs once."""
    found: list[tuple[str, ...]] = []

    def keys() -> tuple[str, ...]:
        if not found:
            found.append(read_keys(model, env))
        return found[0]

    return keys


def read_keys(model: Model, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return every key that can be read, in the profile's order; empty where the provider needs none.

    Raises KeyMissing, which names each source that was tried, where there is none; NotAllowed where a
    stranger's profile would send a user's key to its own address or take it from where strangers may not look.
    """
    _refuse_strangers(model)
    if not model.keys:
        return _usual_key(model, env)
    keys: list[str] = []
    failures: list[SynapseError] = []
    for source in model.keys:
        try:
            keys.append(read_key(source, env))
        except (KeyMissing, EngineMissing) as error:
            failures.append(error)
    if not keys:
        if len(failures) == 1:
            raise failures[0]
        raise KeyMissing(
            f"no key for {model.name}: " + "; ".join(error.message for error in failures),
            next((error.hint for error in failures if error.hint), ""),
        )
    return tuple(keys)


def sources(model: Model, env: Mapping[str, str]) -> tuple[str, ...]:
    """Where a model's keys come from, without reading any; empty where it needs none, or has none."""
    if model.keys or is_loopback(model.base_url):
        return model.keys
    return tuple(f"env:{name}" for name in key_variables(provider_of(model.model)) if env.get(name, "").strip())[:1]


def read_key(source: str, env: Mapping[str, str]) -> str:
    """Return the key of one source (`env:NAME`, `file:PATH`, `cmd:ARGV`, `keyring:SERVICE/USER`)."""
    kind, _, rest = source.partition(":")
    reader = {"env": _from_env, "file": _from_file, "cmd": _from_command, "keyring": _from_keyring}.get(kind)
    if reader is None:
        raise KeyMissing(
            f"a key has no source named {kind!r}", "use env:NAME, file:PATH, cmd:ARGV or keyring:SERVICE/USER"
        )
    return _usable(reader(rest, env), kind, rest)


def _refuse_strangers(model: Model) -> None:
    if model.trusted:
        return
    uses_key = bool(model.keys) or needs_key(provider_of(model.model), model.base_url)
    if model.base_url and uses_key:
        raise NotAllowed(
            f"{model.name} would send your key to {one_line(model.base_url, at_most=80)}, a stranger's address",
            "read that profile, then run `synapse trust`",
        )
    if any(not source.startswith("env:") for source in model.keys):
        raise NotAllowed(
            f"{model.name} takes its key from a command, file or keyring, which a profile you have not trusted may not",
            "read that profile, then run `synapse trust`",
        )


def _usual_key(model: Model, env: Mapping[str, str]) -> tuple[str, ...]:
    provider = provider_of(model.model)
    if is_loopback(model.base_url):
        return ()
    variables = key_variables(provider)
    for name in variables:
        if env.get(name, "").strip():
            return (_usable(env[name], "env", name),)
    if not needs_key(provider, model.base_url):
        return ()
    raise KeyMissing(
        f"no key for {provider}: {' and '.join(variables)} {'is' if len(variables) == 1 else 'are'} not set",
        f"export {variables[0]}=…, or give models.{model.name} a `keys` list (env:, file:, cmd:, keyring:)",
    )


def _from_env(name: str, env: Mapping[str, str]) -> str:
    if not env.get(name, "").strip():
        raise KeyMissing(f"the variable {name} is not set", f"export {name}=…")
    return env[name]


def _from_file(path: str, _env: Mapping[str, str]) -> str:
    path = os.path.expanduser(path)
    try:
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # else a FIFO blocks before it can be seen
        try:
            if stat.S_ISREG(os.fstat(opened).st_mode):
                return _first_line(os.read(opened, _MAX_BYTES))
        finally:
            os.close(opened)
    except OSError as error:
        raise KeyMissing(
            f"the key file {path} cannot be read: {error.strerror}", "check the path and its mode"
        ) from error
    raise KeyMissing(f"the key file {path} is not a regular file", "name a file whose first line is the key")


def _from_command(command: str, _env: Mapping[str, str], timeout_s: float = COMMAND_TIMEOUT_S) -> str:
    import shlex
    import subprocess

    try:
        argv = shlex.split(command)
        if not argv:
            raise KeyMissing("the key command is empty", "write cmd:PROGRAM ARGUMENTS")
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False)
    except ValueError as error:
        raise KeyMissing(f"the key command cannot be split into words: {error}", "check its quotes") from error
    except subprocess.TimeoutExpired:
        raise KeyMissing(
            f"the key command {argv[0]} took longer than {timeout_s:g} s", "unlock it first, then try again"
        ) from None
    except OSError as error:
        raise KeyMissing(
            f"the key command {argv[0]} cannot start: {error.strerror}", "check that it is installed"
        ) from error
    if done.returncode != 0:
        said = one_line(done.stderr[-2000:].decode("utf-8", "replace"), at_most=160)
        raise KeyMissing(f"the key command {argv[0]} failed with {done.returncode}" + (f": {said}" if said else ""))
    return _first_line(done.stdout[:_MAX_BYTES])


def _from_keyring(place: str, _env: Mapping[str, str]) -> str:
    service, slash, user = place.rpartition("/")
    if not slash:
        raise KeyMissing(f"keyring:{place} names no user", "write keyring:SERVICE/USER")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise EngineMissing(
            "the package keyring is not installed", "pip install 'synapse-llm[keyring]', or use env:, file: or cmd:"
        ) from error
    try:
        found: str | None = keyring.get_password(service, user)
    except KeyringError as error:
        raise KeyMissing(
            f"the system keyring cannot be asked: {one_line(str(error), at_most=160)}", "use env:, file: or cmd:"
        ) from error
    if not found:
        raise KeyMissing(f"the system keyring has nothing for {service}/{user}", f"keyring set {service} {user}")
    return found


def _first_line(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip().partition("\n")[0]


def _usable(key: str, kind: str, rest: str) -> str:
    """Refuse what no HTTP header can hold: its error, raised much later, would quote the key."""
    key = key.strip()
    where = rest if kind != "cmd" else "the command's output"
    if not key:
        raise KeyMissing(f"the key from {kind}:{where} is empty", "put the key on the first line")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise KeyMissing(f"what {kind}:{where} gives is not a key: it has spaces or special characters")
    return key
