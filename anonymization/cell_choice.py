"""Which numbers to hide besides the small ones: the cheapest circle through each number that can be derived.

A number can move by `width` if the table has a circle of hidden numbers through it in which every number that must fall
can fall that far (see `cell_audit`). The circle that hides the fewest people is a shortest path, so each step is the
best for its number; all steps together are a good choice, not the best one, which would be NP-hard.

Source: Cox, JASA 90(432):1453-1462, 1995; Fischetti and Salazar, Solving the cell suppression problem, 2001 (hardness).
"""

from collections import deque
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from anonymization.cell_audit import BoolArray, HiddenNetwork, IntArray, Place

_FAR = np.inf
FloatArray = npt.NDArray[np.float64]


def hide_until_wide(counts: IntArray, hidden: BoolArray, *, floor: int, width: IntArray) -> BoolArray:
    """Hide more until every hidden number's interval is at least its `width` wide; the same for the same table.

    Args:
        counts: (rows + 1) × (columns + 1), with margins last. A one-way table has two equal columns, which are hidden
            together.
        hidden: What is hidden already. Not changed.
        floor: What every hidden number is known to be at least; smaller numbers are never hidden.
        width: The least width of each number, in people; of the shape of `counts`.

    Returns:
        What is hidden, including `hidden`. In the worst case everything is; intervals are then without bound.
    """
    hidden = hidden.copy()
    network = HiddenNetwork(counts, hidden, floor=floor)
    waiting = deque((int(row), int(column)) for row, column in np.argwhere(hidden))
    while waiting:
        # Hiding more only widens intervals, so a number that passed once is not looked at again.
        place = waiting[0]
        needed = int(width[place])
        if network.is_wide(place, width=needed):
            waiting.popleft()
            continue
        for chosen in _next_to_hide(counts, hidden, place, floor=floor, width=needed):
            for twin in _twins(counts, chosen):
                hidden[twin] = True
                network.hide(twin)
                waiting.append(twin)
    return hidden


def _twins(counts: IntArray, place: Place) -> tuple[Place, ...]:
    return ((place[0], 0), (place[0], 1)) if counts.shape[1] == 2 else (place,)


def _next_to_hide(counts: IntArray, hidden: BoolArray, narrow: Place, *, floor: int, width: int) -> tuple[Place, ...]:
    found = _cheapest_circle(counts, hidden, narrow, floor=floor, width=width)
    if found:
        return found
    # No number is large enough to carry the circle alone: hide the smallest one shown, near it if possible, which adds
    # up with the others. There is one, because a table with everything hidden has no narrow interval.
    may = ~hidden & (counts >= floor)
    near = np.zeros_like(may)
    near[narrow[0], :] = near[:, narrow[1]] = True
    candidates = np.argwhere(may & near) if (may & near).any() else np.argwhere(may)
    places = [(int(row), int(column)) for row, column in candidates]
    return (min(places, key=lambda at: (_is_margin(counts, at), int(counts[at]), at)),)


def _is_margin(counts: IntArray, place: Place) -> bool:
    return bool(place[0] == counts.shape[0] - 1 or place[1] == counts.shape[1] - 1)


def _cheapest_circle(
    counts: IntArray, hidden: BoolArray, narrow: Place, *, floor: int, width: int
) -> tuple[Place, ...]:
    """Return what must be hidden so that the number at `narrow` can rise by `width`; nothing if no circle exists."""
    to_column, to_row = _crossing_costs(counts, hidden, floor=floor, width=width)
    to_column[narrow] = to_row[narrow] = _FAR
    rows, columns = counts.shape
    margin = (narrow[0] == rows - 1) != (narrow[1] == columns - 1)
    tail, head = (rows + narrow[1], narrow[0]) if margin else (narrow[0], rows + narrow[1])
    path = _shortest_path(to_column, to_row, head, tail)
    places = [(min(a, b), max(a, b) - rows) for a, b in pairwise(path)]
    return tuple(place for place in places if not hidden[place])


def _crossing_costs(counts: IntArray, hidden: BoolArray, *, floor: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Return the cost of crossing each number from its row to its column, and from its column to its row.

    Hidden numbers cost nothing, shown ones the people they count; margins count double, because they tell more.
    Against its arc a number falls, so it must be at least `floor` + `width`.
    """
    is_margin = np.zeros(counts.shape, dtype=bool)
    is_margin[-1, :] = is_margin[:, -1] = True
    price = np.where(hidden, 0.0, (counts + 1.0) * np.where(is_margin, 2.0, 1.0))
    along = np.where(counts >= floor, price, _FAR)
    against = np.where(counts - floor >= width, price, _FAR)
    runs_back = is_margin.copy()
    runs_back[-1, -1] = False
    return np.where(runs_back, against, along), np.where(runs_back, along, against)


def _shortest_path(to_column: FloatArray, to_row: FloatArray, source: int, sink: int) -> list[int]:
    """Return the nodes of a cheapest path (Dijkstra on the dense bipartite graph); empty if there is none.

    Nodes are rows first, then columns. Among equal ones the lowest node comes first, so the path is repeatable.
    """
    rows, columns = to_column.shape
    distance = np.full(rows + columns, _FAR)
    distance[source] = 0.0
    came = np.full(rows + columns, -1)
    open_nodes = np.ones(rows + columns, dtype=bool)
    while True:
        node = int(np.argmin(np.where(open_nodes, distance, _FAR)))
        if not np.isfinite(distance[node]) or not open_nodes[node]:
            return []
        if node == sink:
            break
        open_nodes[node] = False
        is_row = node < rows
        reached = distance[node] + (to_column[node, :] if is_row else to_row[:, node - rows])
        side = slice(rows, None) if is_row else slice(0, rows)
        better = reached < distance[side]
        distance[side] = np.where(better, reached, distance[side])
        came[side] = np.where(better, node, came[side])
    path = [sink]
    while path[-1] != source:
        path.append(int(came[path[-1]]))
    return path[::-1]
