"""Alternatives of anonymized microdata: k, l, the suppression limit, fixed levels; one histogram a set of fixed levels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from anonymization.generalize import classes_at, pose_problem, search_problem
from anonymization.hierarchy import Hierarchy
from anonymization.histogram import Histogram, build_histogram
from anonymization.loss import metric_of
from anonymization.microdata import Prepared, prepare_microdata
from anonymization.microdata_events import UNIT
from anonymization.recoding.local import LocallyRecoded, recode_problem
from anonymization.risk_models import AskedRisk
from anonymization.search.problem import Certificate, Problem
from anonymization.sensitive_models import columns_of, with_hierarchies
from anonymization.spectrum import SpectrumOfClassSizes, spectrum_of
from anonymization.tables import Pseudonymized
from anonymization.tradeoff.alternative import Alternative, Parameters, Value, combinations
from policies.errors import DataError, PolicyError, UsageError
from policies.model import ReleasePolicy
from policies.model.method import Microdata
from policies.model.sensitive import Closeness, DistinctL, RecursiveL, SensitiveModel

LEVEL = "level."
"""`level.age` fixes the level of the quasi-identifier `age`; without it the search chooses."""
SEARCHED = "search"
_COUNTED = (DistinctL, RecursiveL)
"""Models whose l is a whole number of values; that of entropy is none, and stays."""


def current_rows(method: Microdata) -> dict[str, Value]:
    """Return the parameters of microdata that a frontier may change, as the policy has them."""
    found: dict[str, Value] = {"k": method.k, "suppression_limit": method.suppression_limit}
    least = [model.l for model in method.sensitive if isinstance(model, _COUNTED)]
    most = [model.t for model in method.sensitive if isinstance(model, Closeness)]
    if least:
        found["l"] = max(least)
    if most:
        found["t"] = min(most)
    return found


def default_rows(method: Microdata) -> dict[str, tuple[Value, ...]]:
    """Return the grid that is tried where none is given: around the policy, and the limits people ask about."""
    limits = {0.0, 0.01, 0.02, 0.05, 0.1, method.suppression_limit}
    return {"k": tuple(sorted({3, 5, 8, 12, 20, method.k})), "suppression_limit": tuple(sorted(limits))}


def row_alternatives(
    release: ReleasePolicy,
    sources: Mapping[str, Pseudonymized],
    *,
    hierarchies: Mapping[str, Hierarchy],
    grid: Mapping[str, Sequence[Value]],
) -> Iterator[Alternative]:
    """Yield what each combination would lead to; the rows are treated and counted once for each set of fixed levels.

    Risk is the highest risk of a record (1/k reached), cost the loss of information. Both are those that a run under
    these parameters would find.

    Raises:
        PolicyError, DataError: The policy itself cannot be computed.
    """
    method = release.method
    if not isinstance(method, Microdata):
        raise PolicyError(
            "policy.other-method", what="the release is no microdata", why="k is theirs", fix="use its own method"
        )
    prepared = prepare_microdata(release, sources, hierarchies=hierarchies)
    current = current_rows(method)
    histograms: dict[tuple[tuple[str, Value], ...], Histogram] = {}
    for number, parameters in enumerate(combinations(grid, current=current)):
        levels = tuple(sorted((name, value) for name, value in parameters.items() if name.startswith(LEVEL)))
        if levels not in histograms:
            histograms[levels] = _histogram(prepared, method, dict(levels))
        changed = method_with(method, parameters)
        sensitive = with_hierarchies(changed.sensitive, hierarchies)
        try:
            problem = pose_problem(
                histograms[levels],
                k=changed.k,
                sensitive=sensitive,
                suppression_limit=changed.suppression_limit,
                asked_risk=AskedRisk(changed.risks or ()),
                metric=metric_of(changed.loss),
            )
            if changed.recoding == "local":
                found = recode_problem(prepared.records, problem)
                yield _measured_locally(found, parameters, is_current=number == 0)
            else:
                yield _measured(problem, search_problem(problem), parameters, is_current=number == 0)
        except DataError as error:
            yield Alternative(parameters, None, None, why=error.code, is_current=number == 0)


def method_with(method: Microdata, parameters: Parameters) -> Microdata:
    """Return the method under other parameters, as a policy would write it; levels are not part of the method.

    Another `l` or `t` is asked of every column that has one; the policy's own leaves each column as it is.
    """
    current = current_rows(method)
    changed = {
        name: parameters[name] for name in ("l", "t") if name in parameters and parameters[name] != current[name]
    }
    sensitive = tuple(_model_with(model, changed) for model in method.sensitive)
    return method.model_copy(
        update={
            "k": int(parameters["k"]),
            "suppression_limit": float(parameters["suppression_limit"]),
            "sensitive": sensitive,
        }
    )


def _model_with(model: SensitiveModel, changed: Parameters) -> SensitiveModel:
    """Return a model under another l or t; a model that has neither stays."""
    if isinstance(model, _COUNTED) and "l" in changed:
        return model.model_copy(update={"l": int(changed["l"])})
    if isinstance(model, Closeness) and "t" in changed:
        return model.model_copy(update={"t": float(changed["t"])})
    return model


def _histogram(prepared: Prepared, method: Microdata, levels: Mapping[str, Value]) -> Histogram:
    fixed = {name.removeprefix(LEVEL): value for name, value in levels.items() if value != SEARCHED}
    known = {quasi.column for quasi in prepared.quasi_identifiers if quasi.hierarchy is not None}
    if not set(fixed) <= known:
        raise UsageError(
            "frontier.no-level",
            what=f"{', '.join(sorted(set(fixed) - known))} has no levels in this release",
            why="only a quasi-identifier with a searched hierarchy has levels to fix",
            fix=f"choose among: {', '.join(LEVEL + name for name in sorted(known)) or 'none'}",
        )
    quasi_identifiers = [
        replace(quasi, level=int(fixed[quasi.column])) if quasi.column in fixed else quasi
        for quasi in prepared.quasi_identifiers
    ]
    return build_histogram(
        prepared.records,
        quasi_identifiers=quasi_identifiers,
        sensitive=columns_of(method.sensitive),
        person=UNIT,
    )


def _measured(problem: Problem, certificate: Certificate, parameters: Parameters, *, is_current: bool) -> Alternative:
    histogram = problem.histogram
    table, failing = classes_at(problem, certificate.node)
    kept = ~failing
    sizes = spectrum_of(table.counts().people[kept], table.rows[kept])
    people = int(table.loyal[kept].sum())
    if table.shared is not None:
        people += len(np.unique(table.shared.things[kept[table.shared.tuples]]))
    return _alternative(sizes, certificate.loss, people, histogram.records, parameters, is_current=is_current)


def _measured_locally(found: LocallyRecoded, parameters: Parameters, *, is_current: bool) -> Alternative:
    sizes = found.class_sizes
    return _alternative(sizes, found.loss, found.people_out, found.records, parameters, is_current=is_current)


def _alternative(
    sizes: SpectrumOfClassSizes, loss: float, people: int, records: int, parameters: Parameters, *, is_current: bool
) -> Alternative:
    linked = sum(in_size / size for size, in_size in zip(sizes.sizes, sizes.records, strict=True))
    return Alternative(
        parameters=parameters,
        risk=1 / sizes.k,
        cost=loss,
        figures={
            "k": sizes.k,
            "loss": loss,
            "records_out": sizes.record_count,
            "records_suppressed": records - sizes.record_count,
            "people_out": people,
            "classes": sizes.class_count,
            "risk_mean": linked / sizes.record_count,
        },
        is_current=is_current,
    )
