"""`Guards`: the truths asked while recording, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import show


class Guard(NamedTuple):
    """A truth asked while recording: the condition's slot, the outcome, and the user's line."""

    slot: int
    outcome: bool
    line: tuple[str, int] | None


class Guards(Sequence[Guard]):
    """A sequence of guards. Where they were asked is a place in a code object, and a line only for those who look.

    Attributes
    ----------
    slots : int32 array, the conditions
    outcomes : bool array, the truths
    """

    __slots__ = ("slots", "outcomes", "_places")

    def __init__(self, slots: np.ndarray, outcomes: np.ndarray, places: Sequence[Any]) -> None:
        self.slots, self.outcomes, self._places = slots, outcomes, places

    @classmethod
    def of(cls, guards: Iterable[Any]) -> Guards:
        """The same for guards one by one, triples of slot, outcome and place."""
        if isinstance(guards, Guards):
            return guards
        slots, outcomes, places = zip(*found, strict=True) if (found := list(guards)) else ((), (), ())
        return cls(np.array(slots, np.int32), np.array(outcomes, np.bool_), places)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Guard]:
        return map(Guard, self.slots.tolist(), self.outcomes.tolist(), map(show.line_of, self._places))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Guards(self.slots[index], self.outcomes[index], self._places[index])
        return Guard(self.slots.item(index), self.outcomes.item(index), show.line_of(self._places[index]))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, (Guards, tuple)) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Guards.of, (tuple(self),)

    def __repr__(self) -> str:
        return f"Guards({list(self)!r})"
