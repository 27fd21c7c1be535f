"""Which recorded answers would a check have accepted? Row by row, from a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.learned.normalised import FORMS, Form, Normal, agree, normal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Result, Table

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


class Judged:
    """A table's answers as checks see them. What was undressed once is kept, as pairs ask for it again and again."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._normals: dict[tuple[str, Form], list[Normal | None]] = {}
        self._extracted: dict[str, bool] = {}
        self._signals: dict[tuple[str, str], Floats] = {}

    def passed(self, model: str, rule: str) -> Bools:
        """Which answers of a model the rule accepts. Raises InputError."""
        import numpy as np

        options = json.loads(rule)
        found = self.signal(model, options)
        least = float(options.get("min", 1.0))
        return np.nan_to_num(found, nan=-np.inf) >= least - 1e-12

    def signal(self, model: str, options: Mapping[str, Json]) -> Floats:
        """What a rule says of a model's answers before its `min` is asked: more is better, NaN where it cannot say.

        Raises InputError for a rule that a table cannot answer.
        """
        kind = str(options.get("kind"))
        says = _SIGNALS.get(kind)
        if says is None:
            known = ", ".join(sorted(_SIGNALS))
            raise InputError(f"a table cannot tell what the check {kind!r} would say", f"tables know: {known}")
        if kind == "agree":
            return says(self, model, options)
        if (model, kind) not in self._signals:
            self._signals[model, kind] = says(self, model, options)
        return self._signals[model, kind]

    def only(self, rows: Sequence[int]) -> Judged:
        """The same of these rows alone; what was undressed stays so."""
        part = Judged(self.table.only(rows))
        part._extracted = {model: self._is_extracted(model) for model in self.table.models}
        for (model, form), found in self._normals.items():
            part._normals[model, form] = [found[row] for row in rows]
        part._signals = {name: says[list(rows)] for name, says in self._signals.items()}
        return part

    def has_answers(self, model: str) -> bool:
        """Whether anything of what a model said is in the table."""
        return any(_said(row.outcomes[model]) for row in self.table.rows)

    def normals(self, model: str, form: Form) -> list[Normal | None]:
        """Each answer undressed, as `agree` compares them."""
        if (model, form) not in self._normals:
            extracted = self._is_extracted(model)
            self._normals[model, form] = [
                _undressed(row.outcomes[model], form, extracted=extracted) for row in self.table.rows
            ]
        return self._normals[model, form]

    def _is_extracted(self, model: str) -> bool:
        if model not in self._extracted:
            self._extracted[model] = any(row.outcomes[model].answer is not None for row in self.table.rows)
        return self._extracted[model]


def _agree(seen: Judged, model: str, options: Mapping[str, Json]) -> Floats:
    import numpy as np

    partner, form = str(options.get("with") or ""), options.get("as", "auto")
    if partner not in seen.table.models or options.get("samples", 1) != 1:
        raise InputError(f"the table {seen.table.name} has no answers of {partner or 'samples'!r}", "tune anew")
    compared: Form = form if form in FORMS else "answer"
    pairs = zip(seen.normals(model, compared), seen.normals(partner, compared), strict=True)
    return np.array([float(agree(one, other)) for one, other in pairs])


def _confidence(seen: Judged, model: str, options: Mapping[str, Json]) -> Floats:
    del options
    return _numbers(seen, model, lambda each: each.confidence)


def _refusal(seen: Judged, model: str, options: Mapping[str, Json]) -> Floats:
    from synapse_cli.checks.refusal import refusal_language

    del options
    return _numbers(seen, model, lambda each: _of_text(each, lambda text: float(refusal_language(text) is None)))


def _shortness(seen: Judged, model: str, options: Mapping[str, Json]) -> Floats:
    """Measured only: how long an answer is tells something of it, but a bound on it would bind the last tier."""
    del options
    return _numbers(seen, model, lambda each: _of_text(each, lambda text: -float(len(text))))


def _numbers(seen: Judged, model: str, of: Callable[[Result], float | None]) -> Floats:
    import numpy as np

    found = [of(row.outcomes[model]) for row in seen.table.rows]
    return np.array([np.nan if each is None else each for each in found], dtype=np.float64)


def _said(result: Result) -> str:
    return result.answer if result.answer is not None else result.text or ""


def _of_text(result: Result, of: Callable[[str], float]) -> float | None:
    text = result.text if result.text is not None else result.answer
    return None if text is None else of(text)


def _undressed(result: Result, form: Form, *, extracted: bool) -> Normal | None:
    """Of a model whose answers were extracted, a row without one says nothing; of another the text is read."""
    said = result.answer if extracted else result.text
    if said is None:
        return None
    from synapse_cli.checks.refusal import refusal_language

    return None if refusal_language(said) is not None else normal(said, form)


_SIGNALS: dict[str, Callable[[Judged, str, Mapping[str, Json]], Floats]] = {
    "agree": _agree,
    "confidence": _confidence,
    "refusal": _refusal,
    "length": _shortness,
}
