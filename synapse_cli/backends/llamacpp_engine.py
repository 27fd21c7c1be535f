"""How do many threads ask one model? A loaded model with a thread of its own, which answers all of them together."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_context import Context
from synapse_cli.backends.llamacpp_seat import EVERY_WAY, Answer, Seat, Task, Ways, ended, raise_if_ended
from synapse_cli.backends.llamacpp_settings import Settings
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Unavailable
from synapse_cli.core.ports import Emit

if TYPE_CHECKING:
    from synapse_cli.backends.llamacpp_batch import Batch
    from synapse_cli.backends.llamacpp_draft import Draft
    from synapse_cli.backends.llamacpp_vocabulary import Vocabulary

_PATIENCE_S = 5.0
"""How long the end of the process waits for llama.cpp to let go: what it computes then would read freed memory."""


class Engine:
    """One model from when it is loaded until `close`. Safe to ask from many threads, each within `in_use`."""

    def __init__(self, settings: Settings, control: Control) -> None:
        """Load the model; `control` can end that."""
        self.settings = settings
        self.window = settings.window
        self._users = 0
        self._idle = threading.Condition()
        self._worker = _Worker(settings, control)
        self._stop = weakref.finalize(self, self._worker.stop)
        self._worker.start(control)

    @property
    def vocabulary(self) -> Vocabulary:
        """The model's own tokenizer; of no use after `close`."""
        return self._worker.context.vocabulary

    @property
    def is_recurrent(self) -> bool:
        """Whether it carries a state from token to token, which cannot be cut."""
        return self._worker.context.is_recurrent

    @property
    def batches_read(self) -> int:
        """Calls of llama.cpp, in all."""
        return self._worker.batch.batches_read

    @property
    def tokens_read(self) -> int:
        """Tokens that llama.cpp has been given, in all."""
        return self._worker.batch.tokens_read

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._worker.is_alive

    @property
    def busy(self) -> bool:
        """Whether somebody uses it: then it must not be closed."""
        return self._users > 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep it from being closed. Raises Unavailable where it already is."""
        with self._idle:
            if not self.is_open:
                raise _unloaded()
            self._users += 1
        try:
            yield
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def answer(
        self,
        task: Callable[[Emit | None], Task],
        control: Control,
        emit: Emit | None = None,
        ways: Ways = EVERY_WAY,
    ) -> Answer:
        """Carry out a task beside those of other threads. It is made with where its pieces go, or None."""
        raise_if_ended(control)
        seat = Seat(control, ways)
        seat.begin(task(None if emit is None else seat.hand_out))
        self._worker.ask(seat)
        return seat.listen(emit)

    def close(self) -> None:
        """Give the memory back, once nobody uses it any more; whoever comes later is told so."""
        with self._idle:
            self._idle.wait_for(lambda: not self._users)
            self._stop()


class _Worker:
    """The thread that alone speaks with llama.cpp. It does not know the Engine, so that one which is dropped goes."""

    context: Context
    batch: Batch

    def __init__(self, settings: Settings, control: Control) -> None:
        self._settings = settings
        self._stopping = False
        self._draft: Draft | None = None
        self._control: Control | None = control
        """Of whoever waits for the model to be loaded."""
        self._failed: BaseException | None = None
        self._ready = threading.Event()
        self._door = threading.Lock()
        self._inbox: SimpleQueue[Seat | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="llama.cpp", daemon=True)

    def start(self, control: Control) -> None:
        """Load the model, in the thread that will use it: a signal handler cannot raise from within llama.cpp there."""
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:
            self.stop()
            raise
        if self._failed is not None:
            raise_if_ended(control)
            raise self._failed

    @property
    def is_alive(self) -> bool:
        """Whether it answers."""
        return not self._stopping

    def ask(self, seat: Seat) -> None:
        """Have this one answered too."""
        with self._door:
            if self._stopping:
                raise _unloaded()
            self._inbox.put(seat)

    def stop(self) -> None:
        """End the thread, and everything that it is asked."""
        with self._door:
            self._stopping = True
            self._inbox.put(None)
        self._thread.join(_PATIENCE_S)

    def _work(self) -> None:
        try:
            self._load()
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that waits for it
            self._failed, self._stopping = error, True
        self._ready.set()
        if self._failed is not None:
            return
        try:
            while self._hear():
                self.batch.step()
        except Exception as error:  # noqa: BLE001  # a bug of ours is told to everybody who asked
            self._end(error)
        else:
            self._end(_unloaded())

    def _load(self) -> None:
        from synapse_cli.backends.llamacpp_batch import Batch

        self.context = Context(self._settings, self._is_of_no_use)
        try:
            self._draft = self._load_draft()
        except BaseException:
            self.context.close()
            raise
        self.batch = Batch(self.context, self._settings.window, self._draft)
        self._control = None

    def _load_draft(self) -> Draft | None:
        from synapse_cli.backends.llamacpp_draft import Draft

        path = self._settings.draft
        if not path:
            return None
        own = replace(self._settings, path=path, cells=0, seats=1, lora=(), draft="")
        context = Context(own, self._is_of_no_use)
        try:
            return Draft(context, self.context.vocabulary, path)
        except BaseException:
            context.close()
            raise

    def _is_of_no_use(self) -> bool:
        """Whether nobody waits for what llama.cpp is doing."""
        if self._control is not None:
            return self._stopping or ended(self._control) is not None
        return self._stopping or self.batch.is_of_no_use()

    def _hear(self) -> bool:
        """Let in whoever has come, waiting for somebody where there is nothing to do; False where it should end."""
        while not self._stopping:
            try:
                seat = self._inbox.get(block=self.batch.is_empty)
            except Empty:
                return True
            if seat is not None:
                self.batch.join(seat)
        return False

    def _end(self, ending: Exception) -> None:
        with self._door:
            self._stopping = True
            while not self._inbox.empty():
                seat = self._inbox.get()
                if seat is not None:
                    self.batch.join(seat)
        self.batch.end_all(ending)
        if self._draft is not None:
            self._draft.close()
        self.context.close()


def _unloaded() -> Unavailable:
    return Unavailable("the model was unloaded before it answered", "ask again")
