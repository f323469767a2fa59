"""The recount of what a published class has lost of its information, and of what publishing it brings.

Counts the leaves under each published label from the rows of the hierarchies anew; shares nothing with the criterion.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from anonymization.hierarchy import Hierarchy
from anonymization.recount_sql import as_written, quoted, register
from policies.model.risk_models import Profitability

TOLERANCE = 1e-10
"""Of the benefit: a payout below this is none. Narrower than that of the search."""


def add_lost_shares(
    connection: Any,
    keys: Sequence[str],
    tables: Sequence[str],
    *,
    hierarchies: Mapping[str, Hierarchy],
    levels: Mapping[str, int],
) -> None:
    """Write into `classes.class_lost`, from 0 to 1, the logarithm of the leaves that its labels cover over that of all.

    Args:
        connection: Holds `classes`, and `tables` with the quasi-identifiers.
        keys: The quasi-identifiers.
        tables: Whose values hierarchies by rule grow by: the source first, then a population.
        hierarchies: By quasi-identifier; one without has the values of the source as its leaves.
        levels: The level of each quasi-identifier with a hierarchy.
    """
    joins, terms, whole = [], ["0"], 0.0
    for number, key in enumerate(keys):
        texts, hierarchy = _texts(connection, tables[0], key), hierarchies.get(key)
        if hierarchy is None:
            whole += math.log(max(len(texts), 1))
            continue
        texts = texts.union(*(_texts(connection, table, key) for table in tables[1:]))
        leaves, domain = _leaves(hierarchy.for_values(sorted(texts)), levels[key])
        _load_leaves(connection, f"leaves_{number}", leaves)
        joins.append(f"LEFT JOIN leaves_{number} AS v{number} ON v{number}.label IS NOT DISTINCT FROM c.{quoted(key)}")
        terms.append(f"LN(v{number}.leaves)")
        whole += math.log(domain)
    share = f"({' + '.join(terms)}) / ?" if whole > 0 else "0 * ?"
    connection.execute(
        f"CREATE OR REPLACE TABLE classes AS SELECT c.* REPLACE ({share} AS class_lost) FROM classes AS c {' '.join(joins)}",
        [whole],
    )


def least_payout(connection: Any, model: Profitability) -> tuple[float | None, int]:
    """Return what the worst class brings, and how many bring nothing; a class of nobody, or of no known label, is one."""
    table, column = ("held", "population") if model.attacker == "journalist" else ("classes", "class_people")
    least, failed = connection.execute(
        f"""
        SELECT MIN(payout), COUNT(*) FILTER (WHERE payout IS NULL OR payout <= ?)
        FROM (SELECT ? * (1 - class_lost)
                     - CASE WHEN {column} = 0 THEN NULL WHEN ? > ? * {column} THEN ? / {column} ELSE 0 END AS payout
              FROM {table})
        """,
        [TOLERANCE * model.benefit, model.benefit, model.gain, model.cost, model.loss],
    ).fetchall()[0]
    return (None if least is None else float(least)), int(failed)


def _leaves(hierarchy: Hierarchy, level: int) -> tuple[dict[str | None, int], int]:
    """Return how many leaves each label of a level covers, a missing value one below the root, and how many there are."""
    labels = hierarchy.labels[level]
    if hierarchy.domain is not None:
        counted: dict[str | None, int] = dict.fromkeys(labels, hierarchy.domain[level])
        whole = hierarchy.domain[-1]
    else:
        own = [place for place, leaf in enumerate(hierarchy.leaves) if hierarchy.labels[0][place] == leaf]
        counted = {**dict.fromkeys(labels, 1), **Counter(labels[place] for place in own)}
        whole = max(len(own), 1)
    if level < hierarchy.height - 1:
        counted[None] = 1
    return counted, whole


def _texts(connection: Any, table: str, key: str) -> set[str]:
    value = as_written(connection, table, key, alias="s")
    found = connection.execute(f"SELECT DISTINCT {value} FROM {table} AS s").fetchall()
    return {text for (text,) in found if text is not None}


def _load_leaves(connection: Any, name: str, leaves: Mapping[str | None, int]) -> None:
    import pyarrow as pa

    columns = {"label": pa.array(list(leaves), pa.string()), "leaves": pa.array(leaves.values(), pa.int64())}
    register(connection, name, pa.table(columns))
