"""The attacker on a table of counts: linear programs over all tables that fit what is published."""

import numpy as np
from scipy.optimize import linprog


def linear_intervals(published, *, floor):
    """Return place → (low, high) of every hidden number (-1 in `published`, margins last); high None is no bound."""
    places = [tuple(int(part) for part in place) for place in np.argwhere(published < 0)]
    number = {place: n for n, place in enumerate(places)}
    rows, columns = published.shape
    equations, sums = [], []
    lines = [[(r, c) for c in range(columns)] for r in range(rows)] + [
        [(r, c) for r in range(rows)] for c in range(columns)
    ]
    for line in lines:
        equation, total = np.zeros(len(places)), 0.0
        for place, sign in zip(line, [1.0] * (len(line) - 1) + [-1.0], strict=True):
            if place in number:
                equation[number[place]] += sign
            else:
                total -= sign * published[place]
        equations.append(equation)
        sums.append(total)
    found = {}
    for place in places:
        goal = np.zeros(len(places))
        goal[number[place]] = 1.0
        ends = []
        for direction in (1.0, -1.0):
            solved = linprog(direction * goal, A_eq=np.array(equations), b_eq=np.array(sums), bounds=(floor, None))
            if solved.status in {3, 4}:
                ends.append(None)
            elif solved.status == 0:
                ends.append(round(float(solved.x[number[place]])))
            else:
                raise AssertionError(solved.message)
        found[place] = (ends[0], ends[1])
    return found
