"""The columns of synthetic people in the catalog: what each is called, of which type, and that its values are drawn, not anybody's."""

from collections.abc import Mapping

from catalog.records import ColumnRecord
from policies.model.strictness import Text
from policies.model.synthetic import DpSynthetic, LabelColumn, NumberColumn
from policies.synthetic_words import feature_words
from policies.vocabulary import ColumnType


def synthetic_schema(method: DpSynthetic) -> dict[str, ColumnType]:
    """Return the type of each published column: labels are texts, numbers decimals."""
    kinds = {"labels": ColumnType.STRING, "numbers": ColumnType.DECIMAL}
    return {column.column: kinds[column.kind] for column in method.columns}


def synthetic_columns(
    method: DpSynthetic, known: Mapping[tuple[str, str], ColumnRecord]
) -> dict[tuple[str, str], ColumnRecord]:
    """Return how the catalog describes each column, by the published table and the column's name.

    Args:
        method: The method of the release policy.
        known: The columns of the release's source tables, by table and output name.
    """
    made = {}
    for column in method.columns:
        source = known.get((method.table, column.column)) or next(
            (entry for (_, name), entry in known.items() if name == column.column and column.feature is None), None
        )
        made[method.name, column.column] = ColumnRecord(
            name=column.column,
            ja=column.title.ja if column.title else source.ja if source else column.column,
            en=column.title.en if column.title else source.en if source else column.column,
            type=synthetic_schema(method)[column.column],
            unit=source.unit if source else None,
            code_system=source.code_system if source and isinstance(column, LabelColumn) else None,
            treatment=_treatment(column),
        )
    return made


def _treatment(column: LabelColumn | NumberColumn) -> Text:
    of: tuple[str, str] = ("", "")
    if column.feature is not None:
        ja, en = feature_words(column.feature, ", ".join)
        of = (f"({ja})", f" ({en})")
    if isinstance(column, NumberColumn):
        low, high, bins = column.edges[0], column.edges[-1], len(column.edges) - 1
        return Text(
            ja=f"合成した値{of[0]}。{low} 以上 {high} 未満の公開の {bins} 区間から引き、区間の中では均等",
            en=f"a synthetic value{of[1]}, drawn from {bins} public bins between {low} and {high}, evenly within a bin",
        )
    return Text(
        ja=f"合成した値{of[0]}。公開の {len(column.values)} 種の値から引く",
        en=f"a synthetic value{of[1]}, drawn from {len(column.values)} public values",
    )
