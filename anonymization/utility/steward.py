"""What a release's steward learns of its use: measures that are worked out from the source, and the figures drawn of it.

It goes into the part of the evidence that stays in the restricted zone (`Evidence.steward`), because a measure of what
was lost says something of what was there: exact errors of queries give the source's counts back.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anonymization.key_maps import count_distinct, count_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.spectrum import SpectrumOfClassSizes
from anonymization.utility.compared import compare_tables
from anonymization.utility.figures import marginal_bars, size_bars
from anonymization.utility.report import Utility, measure_utility

if TYPE_CHECKING:
    import ibis


def steward_evidence(  # noqa: PLR0913 - one parameter a thing that is compared
    before: "ibis.Table",
    after: "ibis.Table",
    *,
    row_ids: Sequence[str],
    quasi_identifiers: Sequence[QuasiIdentifier],
    levels: Mapping[str, int] | None,
    person: str,
    k: int,
    spectra: tuple[SpectrumOfClassSizes, SpectrumOfClassSizes],
) -> dict[str, Any]:
    """Return the utility of a release and its figures, as plain JSON values.

    Args:
        before: The records as they went into the search.
        after: The records that leave, with the same keys.
        row_ids: Columns that may be the rows' key; the first that is there and different in every row is used.
        quasi_identifiers: With the hierarchies that were used.
        levels: The level of each; None for local recoding.
        person: The column of the person.
        k: What the release promises.
        spectra: The class sizes before and after.

    Returns:
        `utility` and `figures`; only `not_measured` where no column tells the rows apart.
    """
    rows = count_rows(before)
    row_id = next((name for name in row_ids if name in before.columns and count_distinct(before, name) == rows), None)
    if row_id is None:
        return {"not_measured": "no column tells the rows apart, so none can be compared with what was published of it"}
    compared = compare_tables(
        before, after, row_id=row_id, quasi_identifiers=quasi_identifiers, levels=levels, person=person
    )
    sizes = size_bars(*spectra, records=rows)
    return {
        "utility": summary(measure_utility(compared, k=k)),
        "figures": {"class_sizes": sizes.as_json(), "marginals": [one.as_json() for one in marginal_bars(compared)]},
    }


def summary(utility: Utility) -> dict[str, Any]:
    """Return the measures without what names single queries or pairs: what a steward compares releases by."""
    body = utility.as_json()
    kept = {name: value for name, value in body.items() if name not in {"associations", "records", "suppressed"}}
    return kept | {"queries": {name: value for name, value in body["queries"].items() if name != "answers"}}
