"""Which column names the engine cannot take: its own, and two that differ in upper and lower case only.

A column called like one of ours would be joined or counted in its place; SQL does not tell `Age` from `age`.
"""

import re
from collections import Counter
from collections.abc import Iterable

from policies.errors import DataError

OURS = "__niji"
"""How the names of columns begin that are made on the way."""
_JOINED = re.compile(r"__niji_(value|label|of|code|kept|key)_\d+", re.IGNORECASE)
_OF_CALLERS = frozenset({"__niji_unit"})
"""Person columns that our own steps hand in."""


def require_usable_names(named: Iterable[str], *, columns: Iterable[str] = ()) -> None:
    """Refuse names that the engine would mistake.

    Args:
        named: The columns that are asked about.
        columns: All columns of the table, ours included: none may be called like those that are joined to it.

    Raises:
        DataError: `data.column-reserved` or `data.duplicate-column`.
    """
    named, columns = list(named), list(columns)
    ours = [name for name in named if name.lower().startswith(OURS) and name not in _OF_CALLERS]
    ours += [name for name in columns if _JOINED.fullmatch(name)]
    if ours:
        raise DataError(
            "data.column-reserved",
            what=f"column '{ours[0]}' begins with '{OURS}'",
            why="such names are given on the way, so one of the two columns would be taken for the other",
            fix="rename the column",
        )
    alike = [name for name, number in Counter(name.lower() for name in columns or named).items() if number > 1]
    if alike:
        raise DataError(
            "data.duplicate-column",
            what=f"more than one column is called '{alike[0]}', upper and lower case aside",
            why="SQL does not tell them apart, so one could be published for the other",
            fix="rename one of them",
        )
