"""What can be derived about the hidden numbers of a table with margins: exact intervals, by network flow.

A two-way table with margins is a circulation: cell (i, j) is an arc from row i to column j, a row's margin an arc into
its row from the node of margins, a column's margin an arc out of its column, the total closes the circle. Every
equation of the table is conservation at a node. How far a hidden number can move while all shown numbers stay is then
the largest flow around cycles through it; the matrix is totally unimodular, so the bounds of the linear program are
whole numbers and equal to the flow's.

Source: Cox, Network models for complementary cell suppression, JASA 90(432):1453-1462, 1995; Ahuja, Magnanti, Orlin,
Network Flows, 1993, section 6.2.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Interval:
    """What a hidden number may be, given all that is shown; `high` None is without bound."""

    row: int
    column: int
    low: int
    high: int | None

    @property
    def width(self) -> int | None:
        """The interval's width, None if it has no upper bound."""
        return None if self.high is None else self.high - self.low


class HiddenNetwork:
    """The hidden numbers of one table as a network; numbers may be added to it, which only widens intervals.

    Args:
        counts: (rows + 1) × (columns + 1), with margins last; every row and column sums up.
        hidden: What is not shown, of the same shape.
        floor: What every hidden number is known to be at least.
    """

    def __init__(self, counts: IntArray, hidden: BoolArray, *, floor: int) -> None:
        self._counts = counts
        self._floor = floor
        self._rows, self._columns = counts.shape
        self._near: list[list[Place]] = [[] for _ in range(self._rows + self._columns)]
        self._hidden: set[Place] = set()
        for row, column in np.argwhere(hidden):
            self.hide((int(row), int(column)))

    def hide(self, place: Place) -> None:
        """Add a hidden number."""
        if place not in self._hidden:
            self._hidden.add(place)
            for node in self._ends(place):
                self._near[node].append(place)

    def interval(self, place: Place) -> Interval:
        """Return the exact interval of the hidden number at `place`."""
        up, down = self._room(place, None)
        value = int(self._counts[place])
        return Interval(*place, value - int(down or 0), None if up is None else value + up)

    def is_wide(self, place: Place, *, width: int) -> bool:
        """Tell whether the interval of the hidden number at `place` is at least `width` wide."""
        up, down = self._room(place, width)
        return up is None or up + int(down or 0) >= width

    def _room(self, place: Place, limit: int | None) -> tuple[int | None, int | None]:
        """Return how far the number can rise (None: without bound) and fall, each up to `limit`."""
        tail, head = self._ends(place)
        up = self._largest_flow(head, tail, place, limit)
        slack = int(self._counts[place]) - self._floor
        down = self._largest_flow(tail, head, place, slack if limit is None else min(slack, limit))
        return up, slack if down is None else min(down, slack)

    def _ends(self, place: Place) -> tuple[int, int]:
        """Return tail and head of the arc: cells and the total run from row to column, margins back."""
        row, column = place[0], self._rows + place[1]
        is_margin = (place[0] == self._rows - 1) != (place[1] == self._columns - 1)
        return (column, row) if is_margin else (row, column)

    def _largest_flow(self, source: int, sink: int, without: Place, limit: int | None) -> int | None:
        """Return the largest flow from `source` to `sink` that does not use `without`; None for no bound."""
        moved: dict[Place, int] = {}
        total = 0
        while limit is None or total < limit:
            path = self._path(source, sink, without, moved)
            if path is None:
                return total
            rooms = [self._room_back(place, moved) for place, forward in path if not forward]
            if not rooms:
                return None
            amount = min(rooms)
            for place, forward in path:
                moved[place] = moved.get(place, 0) + (amount if forward else -amount)
            total += amount
        return total

    def _room_back(self, place: Place, moved: dict[Place, int]) -> int:
        return int(self._counts[place]) + moved.get(place, 0) - self._floor

    def _path(self, source: int, sink: int, without: Place, moved: dict[Place, int]) -> list[tuple[Place, bool]] | None:
        """Return a shortest path with room, as (place, whether along its arc) from `source`; None if there is none."""
        came: dict[int, tuple[int, Place, bool]] = {}
        waiting = deque([source])
        seen = {source}
        while waiting:
            node = waiting.popleft()
            if node == sink:
                return list(_back(came, source, sink))
            for place in self._near[node]:
                tail, head = self._ends(place)
                forward = tail == node
                other = head if forward else tail
                if place == without or other in seen or not (forward or self._room_back(place, moved) > 0):
                    continue
                seen.add(other)
                came[other] = (node, place, forward)
                waiting.append(other)
        return None


def _back(came: dict[int, tuple[int, Place, bool]], source: int, sink: int) -> Iterator[tuple[Place, bool]]:
    node = sink
    while node != source:
        node, place, forward = came[node]
        yield place, forward


def hidden_intervals(counts: IntArray, hidden: BoolArray, *, floor: int) -> tuple[Interval, ...]:
    """Return the exact interval of every hidden number, in reading order.

    Args:
        counts: (rows + 1) × (columns + 1), with margins last; every row and column sums up.
        hidden: What is not shown, of the same shape.
        floor: What every hidden number is known to be at least.
    """
    network = HiddenNetwork(counts, hidden, floor=floor)
    return tuple(network.interval((int(row), int(column))) for row, column in np.argwhere(hidden))
