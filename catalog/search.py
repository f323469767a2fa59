"""Search words: fold text, cut it into index tokens, and read a query.

Text is folded with NFKC and case folding. Runs of Japanese are indexed as single characters and pairs (bigrams),
other runs as whole words; a query word of Japanese must occur as written, another one as the beginning of a word.
All words must match (AND). Not here: SQL (`store.py`).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from catalog.records import CatalogRecord, HealthCategory
from catalog.wording import MethodKind
from policies.vocabulary import OutputCategory

_RUN = re.compile(
    r"(?P<japanese>[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)|(?P<word>[^\W_\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)"
)
MAX_QUERY_LENGTH = 200


class Field(StrEnum):
    """Where a word is looked for: anywhere, or in variable names and labels only."""

    TEXT = "text"
    VARIABLE = "variable"


class Facet(StrEnum):
    """What a list of records can be narrowed by: values of one facet are joined by OR, facets by AND."""

    OUTPUT_CATEGORY = "category"
    METHOD = "method"
    HEALTH_CATEGORY = "health"


FACET_VALUES: dict[Facet, type[OutputCategory] | type[MethodKind] | type[HealthCategory]] = {
    Facet.OUTPUT_CATEGORY: OutputCategory,
    Facet.METHOD: MethodKind,
    Facet.HEALTH_CATEGORY: HealthCategory,
}


@dataclass(frozen=True, slots=True)
class Needle:
    """One run of a query word: how it is matched against the index."""

    text: str
    is_japanese: bool


def fold(text: str) -> str:
    """Return text as it is compared: NFKC, case folded (`ＨｂＡ１ｃ` and `hba1c` are the same)."""
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(text: str) -> Iterator[str]:
    """Yield the index tokens of a text, with repetitions."""
    for run in _RUN.finditer(fold(text)):
        if run["word"]:
            yield run["word"]
        else:
            piece = run["japanese"]
            yield from piece
            yield from (piece[i : i + 2] for i in range(len(piece) - 1))


def needles(query: str) -> tuple[Needle, ...]:
    """Return what must all be found for a query to match; an empty query matches everything."""
    runs = _RUN.finditer(fold(query[:MAX_QUERY_LENGTH]))
    found = (Needle(run["japanese"] or run["word"], bool(run["japanese"])) for run in runs)
    return tuple(dict.fromkeys(found))


def searched_text(record: CatalogRecord) -> dict[Field, str]:
    """Return the text of a record that each field searches, in both languages; pieces are apart by a line break."""
    columns = [column for table in record.tables for column in table.columns]
    variables = [piece for column in columns for piece in (column.name, column.ja, column.en)]
    texts = [record.title, record.description, record.purpose, record.publisher.name, *record.keywords]
    labels = [record.output_category, record.evidence.method, record.health_category]
    words = [record.id, *(piece for text in texts for piece in (text.ja, text.en))]
    words += [piece for label in labels for piece in (label.ja, label.en)]
    words += [piece for table in record.tables for piece in (table.name, table.title.ja, table.title.en)]
    return {Field.TEXT: "\n".join([*words, *variables]), Field.VARIABLE: "\n".join(variables)}
