"""The rule on images, sound and signals from which a person's features could be computed (APPI-02)."""

from collections.abc import Iterator

from policies.model import Column
from policies.places import Key
from policies.rules.view import DatasetView, Parameters, Problem, words
from policies.vocabulary import ColumnRole


def features_are_declared(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-02: a column of features identifies; one of media says whether it shows features, and who judged that."""
    for table_index, table in enumerate(view.dataset.tables):
        for column_index, column in enumerate(table.columns):
            keys: tuple[Key, ...] = ("tables", table_index, "columns", column_index)
            for what, fix in _wrong(column, parameters):
                yield Problem(f"'{table.name}.{column.name}' {what}", fix, keys)


def _wrong(column: Column, parameters: Parameters) -> Iterator[tuple[str, str]]:
    features, media = words(parameters, "features"), column.media
    is_feature = column.code is not None and column.code.value in features
    if is_feature and column.role is not ColumnRole.IDENTIFIER:
        yield "holds features of a body (個人識別符号) and is not an identifier", "write `role: identifier`"
    if media is None:
        return
    is_bodily = any(media.type.startswith(kind) for kind in words(parameters, "media"))
    if is_bodily and media.shows_features and not is_feature:
        yield (
            f"is {media.type} that shows features, and has no identification code",
            f"write `class: identification_code` with a code of {', '.join(features)}, or remove the features first",
        )
