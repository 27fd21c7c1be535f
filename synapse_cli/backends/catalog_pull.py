"""Bring a model to this machine: what its lock says, or what its source means now; whole, checked, pinned.

The order is what keeps a damaged file from ever being listed: gathered under another name, hashed, its header
read, named by its hash, and only then pinned.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from synapse_cli.backends import catalog_choose, catalog_hub, catalog_lock, catalog_store
from synapse_cli.backends.catalog_fetch import fetch, patiently, unwritable
from synapse_cli.backends.catalog_hub import Answer, RemoteFile
from synapse_cli.backends.catalog_info import need_in
from synapse_cli.backends.catalog_lock import File, Pin, Pinned
from synapse_cli.backends.catalog_source import Hub, Source, Web
from synapse_cli.core.errors import BadAnswer, ModelUnusable, UsageError
from synapse_cli.core.exclusive import exclusive
from synapse_cli.core.files import file_sha256


@dataclass(frozen=True, slots=True)
class Tell:
    """Who hears of a pull while it runs."""

    step: Callable[[str, int, int | None], None]
    """Is told a file's name, the bytes that are there, and the bytes that there will be."""
    say: Callable[[str], None]
    """Is told what a person should know, one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """How a pull ended."""

    source: str
    path: str
    lock: str
    pin: Pin
    why: str
    """Why these files."""
    fetched: int
    """Files that were not here before."""
    former: Pin | None
    """What was pinned before, where that was something else."""


def pull(source: Source, *, lock: str, update: bool, memory: int, tell: Tell) -> Pulled:
    """Bring a source's files here and pin them in `lock`.

    A source that is pinned means what the lock says; with `update` it means what the hub says now. Raises
    SynapseError; what was there before stays as it was.
    """
    turn = catalog_store.pull_turn(source.text)
    waiting = f"{source.text} is being pulled by another process: waiting for it"
    try:
        with exclusive(turn, lambda: tell.say(waiting)):
            return _pulled(source, lock=lock, update=update, memory=memory, tell=tell)
    except OSError as error:
        raise unwritable(catalog_store.root(), error) from error


def _pulled(source: Source, *, lock: str, update: bool, memory: int, tell: Tell) -> Pulled:
    known = catalog_lock.read(lock).get(source.text)
    pin, remote, why = _wanted(source, known, update=update, memory=memory)
    fetched = 0
    files = []
    for file in remote:
        sha256, is_new = _bring(source, pin, file, lock, tell)
        fetched += is_new
        files.append(File(file.name, sha256, os.path.getsize(catalog_store.blob_path(sha256))))
    pin = Pin(pin.revision, tuple(files), pin.licence)
    path = _assembled(files)
    former = known.pin if known is not None and known.pin.files != pin.files else None
    if known is None or known.pin != pin:
        catalog_lock.change(lock, source.text, lambda old: old.moved_to(pin) if old else Pinned(pin))
    for stored in files:
        catalog_store.remember_lock(stored.sha256, lock)
    return Pulled(source=source.text, path=path, lock=lock, pin=pin, why=why, fetched=fetched, former=former)


def pin_only(source: Source, *, lock: str, memory: int) -> Pin:
    """Pin what a source means now, without fetching it; the hub tells the hashes. Raises SynapseError."""
    if isinstance(source, Web):
        raise UsageError(f"the address {source.url} is pinned by its sha256 already", "synapse models pull fetches it")
    pin, remote, _ = _wanted(source, None, update=True, memory=memory)
    if any(file.sha256 is None for file in remote):
        raise ModelUnusable(f"the hub tells no SHA-256 for {remote[0].name}", "pull it: synapse models pull")
    whole = Pin(pin.revision, tuple(File(f.name, f.sha256 or "", f.size or 0) for f in remote), pin.licence)
    catalog_lock.change(lock, source.text, lambda old: old.moved_to(whole) if old else Pinned(whole))
    return whole


def _wanted(
    source: Source, known: Pinned | None, *, update: bool, memory: int
) -> tuple[Pin, tuple[RemoteFile, ...], str]:
    """What to fetch: revision and licence as a pin without files, then the files, and why these."""
    if isinstance(source, Web):
        stem = os.path.basename(unquote(urlsplit(source.url).path)).removesuffix(".gguf")
        name = (stem if stem.isprintable() and stem else "model") + ".gguf"
        return Pin(None, ()), (RemoteFile(name=name, size=None, sha256=source.sha256),), "the file at this address"
    if known is not None and not update:
        files = tuple(RemoteFile(name=f.name, size=f.size, sha256=f.sha256) for f in known.pin.files)
        return Pin(known.pin.revision, (), known.pin.licence), files, "pinned"
    found = patiently(lambda: catalog_hub.look(source.repo, source.revision))
    chosen = catalog_choose.choose(source, found, memory, need_in(found))
    return Pin(found.commit, (), found.licence), chosen.files, chosen.why


def _bring(source: Source, pin: Pin, file: RemoteFile, lock: str, tell: Tell) -> tuple[str, bool]:
    """Have one file in the store: its SHA-256, and whether it had to be fetched."""
    key = file.sha256 or file.git_oid
    if key is None:
        raise BadAnswer(f"the hub tells no hash of {file.name}, so nothing proves what comes", "check HF_ENDPOINT")
    try:
        part = catalog_store.part_path(key)
        waiting = f"{file.name} is being pulled by another process: waiting for it"
        with exclusive(f"{part}.turn", lambda: tell.say(waiting)):
            if file.sha256 is not None and _is_here(file.sha256, tell.say):
                return file.sha256, False
            sha256 = fetch(part, file, _opener(source, pin, file), lambda at, size: tell.step(file.name, at, size))
            _check(part, file.name)
            stored = File(file.name, sha256, os.path.getsize(part))
            catalog_store.keep(part, stored, source=source.text, revision=pin.revision, licence=pin.licence, lock=lock)
            return sha256, True
    except OSError as error:
        raise unwritable(catalog_store.root(), error) from error


def _is_here(sha256: str, say: Callable[[str], None]) -> bool:
    """Whether the store has it, whole; a damaged one is thrown away."""
    path = catalog_store.blob_path(sha256)
    if not os.path.exists(path):
        return False
    if file_sha256(path) == sha256:
        return True
    say(f"{path} is damaged: fetching it anew")
    catalog_store.drop(sha256)
    return False


def _opener(source: Source, pin: Pin, file: RemoteFile) -> Callable[[int], AbstractContextManager[Answer]]:
    if isinstance(source, Hub):
        url = catalog_hub.address(source.repo, file.name, pin.revision or "main")
        return lambda start: catalog_hub.opened(url, start, of_hub=True)
    return lambda start: catalog_hub.opened(source.url, start, of_hub=False)


def _check(part: str, name: str) -> None:
    """Read the header of what arrived; what is no GGUF is not kept. Raises ModelUnusable."""
    from synapse_cli.backends.gguf import check_part

    try:
        check_part(part)
    except ModelUnusable as error:
        os.unlink(part)
        said = error.message.replace(part, name)
        raise ModelUnusable(f"{said}; nothing is kept of it", "choose another file of the repository") from error


def _assembled(files: list[File]) -> str:
    """The path of the whole model, once its header is read as llama.cpp would find it. Raises ModelUnusable."""
    from synapse_cli.backends.gguf import read_header

    if len(files) > 1:
        try:
            catalog_store.link_split(files)
        except OSError as error:
            raise unwritable(catalog_store.root(), error) from error
    path = catalog_store.path_of(files)
    read_header(path, "any")
    return path
