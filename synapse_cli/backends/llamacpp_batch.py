"""What is read next, of all that is asked at once? Requests join and leave between two steps of one batch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from synapse_cli.backends.llamacpp_ahead import Ahead, Lookup
from synapse_cli.backends.llamacpp_context import Aborted, Context, NoRoom
from synapse_cli.backends.llamacpp_draft import Draft
from synapse_cli.backends.llamacpp_kept import Memory, common
from synapse_cli.backends.llamacpp_layout import BATCH, OUTPUTS
from synapse_cli.backends.llamacpp_library import exp_sum
from synapse_cli.backends.llamacpp_pace import Pace
from synapse_cli.backends.llamacpp_rows import Reader, Row
from synapse_cli.backends.llamacpp_seat import Answer, Begin, Seat, ended
from synapse_cli.core.errors import BadRequest, Interrupted, SynapseError

_BESIDE = 64
"""Tokens of prompts read in a step beside others, who wait for it: a third of a second with a small model."""
_LONG = 32
"""A batch of more tokens than this can be ended half-way."""
_WORTH_WAITING = 32
"""Tokens that must be shared with a prompt being read, so that it is better to wait for it than to read them twice."""


class Batch:
    """Everybody who is being answered by one context. One thread only."""

    def __init__(self, context: Context, window: int, draft: Draft | None = None) -> None:
        self._context = context
        self._window = window
        self._draft = draft
        self._memory = Memory(context)
        self._reader = Reader(context.vocabulary.size, context.abstain_token, exp_sum())
        self._pace = Pace()
        self._waiting: list[Seat] = []
        self._seated: list[Seat] = []
        self._reading: Sequence[Seat] = ()
        self._crowded = False
        """Whether somebody had to give up a place since the last one left: then nobody new is seated."""
        self.tokens_read = 0
        self.batches_read = 0

    def join(self, seat: Seat) -> None:
        """Answer this one too."""
        self._waiting.append(seat)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is being answered, nor waits."""
        return not self._seated and not self._waiting

    def is_of_no_use(self) -> bool:
        """Whether nobody wants the batch that is being read any more; llama.cpp asks this half-way."""
        return bool(self._reading) and all(seat.ended for seat in self._reading)

    def step(self) -> None:
        """Read what is next, and let everybody whose turn it was go on by it."""
        self._dismiss()
        if self._waiting:
            self._seat_waiting()
        following = next((seat for seat in self._seated if seat.follow is not None and not seat.due), None)
        singles = [seat for seat in self._seated if seat.due == 1]
        longer = len(singles) < len(self._seated)
        now = math.inf if longer else time.monotonic()
        for seat in self._seated:
            seat.hand_over(now)
        if following is not None:
            self._try(self._follow, [following])
        elif longer:
            self._try(self._read, [*singles, *(seat for seat in self._seated if seat.due > 1)])
        elif len(singles) == 1:
            self._try(self._read_ahead if self._looks_ahead(singles[0]) else self._read, singles)
        elif singles:
            for width in self._pace.groups(len(singles)):
                group, singles = singles[:width], singles[width:]
                if not self._try(self._read, group):
                    return  # one of the others may have had to give up its place

    def end_all(self, error: Exception) -> None:
        """Tell everybody that there will be no answer."""
        for seat in [*self._seated, *self._waiting]:
            seat.end(error)
        self._seated.clear()
        self._waiting.clear()

    def _dismiss(self) -> None:
        """Let go of those whom nobody waits for any more."""
        for seat in [seat for seat in (*self._seated, *self._waiting) if seat.ended]:
            self._leave(seat, ended(seat.control) or Interrupted("interrupted"))

    def _seat_waiting(self) -> None:
        for seat in list(self._waiting):
            if len(self._seated) >= self._memory.seats or (self._crowded and self._seated):
                return
            if self._place(seat):
                self._waiting.remove(seat)
                self._seated.append(seat)

    def _place(self, seat: Seat) -> bool:
        """Give it a sequence that begins with what was read before; False where waiting for a neighbour is better."""
        shares = seat.ways.keeps
        kept, known = self._memory.known(seat.prompt) if shares else (None, 0)
        source: Seat | None = None
        for other in self._seated if shares and not self._context.is_recurrent else ():
            shared = common(other.prompt, seat.prompt[:-1])
            there = min(shared, other.read)
            if shared - max(known, there) >= _WORTH_WAITING:
                return False
            if there > known:
                source, known = other, there
        if source is not None:
            branch = self._memory.branch(source.sequence, known)
            assert branch is not None, "seats and kept sequences leave some free"
            seat.sequence, seat.read = branch, known
        elif not self._restored(seat, known):
            seat.sequence, seat.read = self._memory.begin(kept, known)
        saves = seat.ways.beginnings is not None and not seat.ways.beginnings.has(seat.tokens[: seat.stable])
        seat.marks = seat.read < seat.stable and seat.stable >= _WORTH_WAITING and (saves or self._context.is_recurrent)
        return True

    def _restored(self, seat: Seat, known: int) -> bool:
        """Whether its stable beginning was found on disk, where that is more than what is known."""
        beginnings = seat.ways.beginnings
        if beginnings is None or seat.stable - known < _WORTH_WAITING:
            return False
        state = beginnings.load(seat.tokens[: seat.stable])
        sequence = None if state is None else self._memory.restore(state, seat.stable)
        if sequence is None:
            return False
        seat.sequence, seat.read = sequence, seat.stable
        return True

    def _try(self, work: Callable[[Sequence[Seat]], None], group: Sequence[Seat]) -> bool:
        """Do it for these, who are told where it fails; whether it was done."""
        self._reading = group
        try:
            work(group)
            return True
        except NoRoom:
            self._make_room()
        except Aborted:
            pass  # nobody waits for it: they are dismissed at the next step
        except SynapseError as error:
            for seat in group:
                if seat in self._seated:
                    self._leave(seat, error)
        finally:
            self._reading = ()
        return False

    def _read(self, group: Sequence[Seat]) -> None:
        """Read one batch: a token of each who writes, and of longer texts as much as there is room for."""
        room = BATCH if len(self._seated) == 1 else len(group) + _BESIDE
        row, outputs = 0, 0
        parts: list[tuple[Seat, int, bool]] = []
        for seat in group:
            count = min(seat.due, room - row)
            if count <= 0:
                break
            if seat.marks:
                count = min(count, seat.stable - seat.read)
            is_whole = count == seat.due
            tokens = seat.tokens[seat.read : seat.read + count]
            row = self._context.place(row, tokens, seat.read, seat.sequence, int(is_whole))
            outputs += is_whole
            parts.append((seat, count, is_whole))
        rows = iter(self._decode(row, outputs, is_paced=row == len(group)))
        for seat, count, is_whole in parts:
            seat.read += count
            if seat.marks and seat.read == seat.stable:
                self._remember(seat)
            if is_whole:
                self._advance(seat, next(rows))

    def _decode(self, size: int, outputs: int, *, is_paced: bool = False) -> list[Row]:
        """Have the batch read; `is_paced` for one that tells how long a token takes."""
        is_timed = is_paced and self._pace.wants(size)
        started = time.thread_time() if is_timed else 0.0
        logits = self._context.decode(size, outputs, listen=size > _LONG)
        if is_timed:
            self._pace.note(size, time.thread_time() - started)
        self.tokens_read += size
        self.batches_read += 1
        return self._reader.rows(logits, self._context.address)

    def _remember(self, seat: Seat) -> None:
        """Keep what every request of its route begins with, now that nothing else has been read."""
        seat.marks = False
        if self._context.is_recurrent:
            branch = self._memory.branch(seat.sequence, seat.stable)
            if branch is not None:
                self._memory.keep(branch, seat.prompt[: seat.stable], seat.stable)
        beginnings = seat.ways.beginnings
        if beginnings is not None:
            state = self._context.state(seat.sequence, beginnings.most_bytes)
            if state is not None:
                beginnings.save(seat.tokens[: seat.stable], state)

    def _looks_ahead(self, seat: Seat) -> bool:
        return (self._draft is not None or seat.ways.looks_ahead) and not self._context.is_recurrent

    def _read_ahead(self, group: Sequence[Seat]) -> None:
        """Read the next token of the only one there, with a guess of those after it."""
        (seat,) = group
        ahead = seat.ahead = seat.ahead or Ahead(self._draft or Lookup())
        guess = ahead.guess(seat.tokens, self._pace, self._window - len(seat.tokens))
        tokens = [seat.tokens[-1], *guess]
        size = self._context.place(0, tokens, seat.read, seat.sequence, len(tokens))
        rows = self._decode(size, size, is_paced=True)
        for place, row in enumerate(rows):
            seat.read += 1
            self._advance(seat, row)
            if place == len(guess) or seat not in self._seated or seat.follow is not None:
                break
            held = seat.tokens[-1] == guess[place]
            ahead.learn(held=held)
            if not held:
                break
        if seat in self._seated:
            self._context.cut(seat.sequence, seat.read)

    def _advance(self, seat: Seat, row: Row) -> None:
        """Let the task go on by what may come next."""
        if seat.follow is not None:
            return  # it had to give up its place, and has read everything again
        try:
            demand = seat.send(row)
        except StopIteration as written:
            self._leave(seat, written.value)
        except Exception as error:  # noqa: BLE001  # a bug of ours in one answer is told to whoever asked for it
            self._leave(seat, error)
        else:
            if isinstance(demand, Begin):
                self._release(seat)
                self._seated.remove(seat)
                self._waiting.insert(0, seat)
            seat.take(demand)

    def _follow(self, group: Sequence[Seat]) -> None:
        """Read paths side by side after what a seat has read, in as many batches as it takes."""
        (seat,) = group
        follow = seat.follow
        assert follow is not None
        rows = [(path, depth) for path, tokens in enumerate(follow.paths) for depth in range(len(tokens))]
        places: dict[int, int] = {}
        row: Row | None = None
        try:
            while rows and not seat.ended:
                chunk = self._side_by_side(rows, seat, places)
                if not chunk:
                    raise NoRoom
                for line, (path, depth) in enumerate(chunk):
                    self._context.place(line, (follow.paths[path][depth],), len(seat.tokens) + depth, places[path], 1)
                for (path, depth), row in zip(chunk, self._decode(len(chunk), len(chunk)), strict=True):
                    follow.hear(path, depth, row)
                    if depth == len(follow.paths[path]) - 1:
                        self._memory.give_up(places.pop(path))
                rows = rows[len(chunk) :]
        finally:
            for sequence in places.values():
                self._memory.give_up(sequence)
        if row is not None and not rows:
            seat.follow = None
            self._advance(seat, row)

    def _side_by_side(self, rows: list[tuple[int, int]], seat: Seat, places: dict[int, int]) -> list[tuple[int, int]]:
        """As many of these rows as fit in a batch, each path in a sequence of its own."""
        chunk = []
        for path, depth in rows[:OUTPUTS]:
            if path not in places:
                place = self._memory.branch(seat.sequence, len(seat.tokens))
                if place is None:
                    break
                places[path] = place
            chunk.append((path, depth))
        return chunk

    def _make_room(self) -> None:
        """Give up what is kept, then the place of whoever came last; the only one there is told that it is full."""
        if self._memory.make_room():
            return
        if len(self._seated) > 1:
            seat = self._seated.pop()
            self._memory.give_up(seat.sequence)
            seat.sequence, seat.read = -1, 0
            self._waiting.insert(0, seat)
            self._crowded = True
        else:
            full = BadRequest(f"the window of {self._window} tokens is full", "shorten the prompt, or raise context")
            self._leave(self._seated[0], full)

    def _leave(self, seat: Seat, ending: Answer | BaseException) -> None:
        if seat in self._seated:
            self._release(seat)
            self._seated.remove(seat)
            self._crowded = False
        else:
            self._waiting.remove(seat)
        seat.end(ending)

    def _release(self, seat: Seat) -> None:
        """Keep its sequence for who comes with the same beginning, else give it up."""
        import numpy as np

        sequence, seat.sequence = seat.sequence, -1
        if seat.ways.keeps:
            self._memory.keep(sequence, np.asarray(seat.tokens[: seat.read], dtype=np.int32), len(seat.prompt))
        else:
            self._memory.give_up(sequence)
