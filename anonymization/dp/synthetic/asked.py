"""Synthetic people as a release policy asks for them: its plan, before a row is read, and its table, after the charge."""

from collections.abc import Mapping
from decimal import Decimal

from anonymization.dp.bounding import TreatedRows
from anonymization.dp.synthetic.domain import Category, Domain, Impossible, Number
from anonymization.dp.synthetic.features import with_features
from anonymization.dp.synthetic.plan import Acceptance, Selection, SyntheticMethod, SyntheticPlan, plan_synthetic
from anonymization.dp.synthetic.release import synthesize
from anonymization.tables import NoisyAggregate
from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.synthetic import DpSynthetic, NumberColumn
from policies.model.treatment import TruncateDate

_NEVER_MISSING = frozenset({"rows", "distinct", "has"})
"""The features that everybody has: who has no rows has none of them, and no code."""


def domain_of(asked: DpSynthetic) -> Domain:
    """Return the public domain that a policy writes; a feature's numbers are clipped to their edges."""
    columns = tuple(
        Number(one.column, one.edges, one.grid, one.source, is_clipped=one.feature is not None)
        if isinstance(one, NumberColumn)
        else Category(one.column, one.values, one.source)
        for one in asked.columns
    )
    cannot_be = [Impossible(one.columns, one.combinations, one.source) for one in asked.impossible]
    for one in asked.columns:
        if one.feature is not None and one.feature.of in _NEVER_MISSING:
            cannot_be.append(Impossible((one.column,), ((None,),), "the feature's definition"))
    return Domain(columns, tuple(cannot_be))


def plan_asked(asked: DpSynthetic, *, policy_digest: str, snapshot_digest: str) -> SyntheticPlan:
    """Plan what a policy asks for; reads no data.

    Args:
        asked: The method of the release policy.
        policy_digest: Digest of the release policy.
        snapshot_digest: Digest of the data that will be read; not part of `query_hash`.

    Raises:
        PolicyError: The domain contradicts itself, a share is below one micro-ρ a draw, or the model would be too large.

    Guarantee: that of `plan_synthetic`.
    """
    none = Decimal(0)
    selection, acceptance = None, None
    if asked.selection is not None:
        selection = Selection(asked.selection_share or none, asked.selection.rounds, asked.selection.most_columns)
    if asked.acceptance is not None:
        acceptance = Acceptance(asked.acceptance_share or none, asked.acceptance)
    method = SyntheticMethod(
        name=asked.name,
        table=asked.table,
        domain=domain_of(asked),
        cliques=asked.cliques,
        cliques_source=asked.cliques_source,
        budget=asked.budget,
        columns_share=asked.columns_share,
        cliques_share=asked.cliques_share or none,
        selection=selection,
        acceptance=acceptance,
        rows=asked.rows,
    )
    return plan_synthetic(method, policy_digest=policy_digest, snapshot_digest=snapshot_digest)


def measure_synthetic(
    release: ReleasePolicy, treated: Mapping[str, TreatedRows], *, plan: SyntheticPlan, bounding_key: bytes
) -> NoisyAggregate:
    """Make the synthetic table of a release with fresh noise; the charge must have been made before.

    Args:
        release: The release policy.
        treated: Its treated tables by name.
        plan: The plan that was charged.
        bounding_key: Secret that chooses which row of a person with several counts.

    Returns:
        One table under the method's name: a row a synthetic person, a column for each of the policy's.

    Raises:
        PolicyError: The release asks for no synthetic people, a table or column is missing, or a mechanism would lose more
            than planned.
        DataError: A row names no person, the engine failed, or the rows may miss a criterion; nothing is given out, and what
            was charged stays charged.

    Guarantee: that of `synthesize`, for neighbors that differ by one person with all rows of all tables.
    Not guaranteed: anything if the answer of a second call is published under one charge.
    """
    asked = release.method
    if not isinstance(asked, DpSynthetic):
        raise PolicyError(
            "policy.other-method",
            what="the release asks for no synthetic people",
            why="a domain and marginals are theirs",
            fix="use its own method",
        )
    rows = with_features(treated, asked, years=_years(release, asked))
    made = synthesize(rows, plan, bounding_key=bounding_key)
    return NoisyAggregate(release=release, tables={asked.name: made.rows}, evidence=made.evidence)


def _years(release: ReleasePolicy, asked: DpSynthetic) -> frozenset[str]:
    """Return the binned columns that are texts of years after their treatment."""
    numbers = {one.column for one in asked.columns if isinstance(one, NumberColumn) and one.feature is None}
    return frozenset(
        column.output_name
        for entry in release.tables
        for column in entry.columns
        if column.output_name in numbers
        and any(isinstance(step, TruncateDate) and step.to == "year" for step in column.treat)
    )
