"""The quality suite of a release, run by Great Expectations: the only door to that library.

Belongs here: running a suite's expectations on the tables that will leave, and keeping of the answer what may be kept.
Does not: what is expected (`policies/quality/*.json`), the recount of promises (`anonymization.release_checks`).

Great Expectations puts unexpected values into its results, and its errors quote values. Therefore no object of it, no
exception text and no log line of it leaves this module: from a result, the figures on an allow-list are taken, and
small counts are hidden. It is imported late, because importing it takes about 4 seconds and 260 MB.
"""

import logging
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral, Real
from threading import Lock
from typing import Any

import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckKind, CheckResult, Scalar
from policies.vocabulary import QualityDimension

_BLOCKING = {"critical": True, "warning": False, "info": False}
_COUNTS = ("element_count", "missing_count", "unexpected_count")
_PERCENTS = ("missing_percent", "unexpected_percent", "unexpected_percent_total", "unexpected_percent_nonmissing")
_SAID = ("min_value", "max_value", "value", "regex", "mostly")
"""The settings of an expectation that are repeated in words; long lists are not."""
_REFUSED = frozenset({"row_condition", "condition_parser", "result_format", "catch_exceptions"})
"""Settings that run text as code, or decide what a result holds."""
_ALONE = Lock()
"""Great Expectations keeps one current context, and Python one set of warning filters, for the whole process."""


@dataclass(frozen=True, slots=True)
class _Expectation:
    """One readable entry of a suite, bound to a table of the release; `columns` are those it reads."""

    kind: str
    kwargs: Mapping[str, object]
    table: str
    columns: tuple[str, ...]

    @property
    def asks_for_columns(self) -> bool:
        """Whether the expectation is about the names of a table's columns."""
        return self.kind.startswith("expect_table_column")

    @property
    def words(self) -> str:
        """Say what is expected, of which columns; settings of the suite only, never a value of the table."""
        bounds = ", ".join(f"{name} {self.kwargs[name]}" for name in _SAID if self.kwargs.get(name) is not None)
        where = f"table '{self.table}'"
        if self.columns:
            where += f", column{'s' * (len(self.columns) > 1)} " + ", ".join(f"'{name}'" for name in self.columns)
        return f"{where}: {self.kind.removeprefix('expect_').replace('_', ' ')}" + (f" ({bounds})" if bounds else "")


class _Unreadable(Exception):  # noqa: N818 -- control flow inside this module; never reaches a person as an error
    """An entry of a suite that cannot be run; the text names things of the suite, never a value."""


def judge(suite: Mapping[str, object], tables: Mapping[str, pa.Table]) -> tuple[CheckResult, ...]:
    """Run a quality suite on the tables of a release.

    A null is missing: it contradicts only an expectation that nulls are absent. In a comparison of two columns, a null
    beside a value contradicts. NaN is a value outside every range. An expectation about the values of a table without
    rows holds; a suite that wants rows says so.

    Args:
        suite: A Great Expectations suite as JSON. Each expectation's `meta` names its `table` and `dimension`; its
            `severity` is `critical` (the default), `warning` or `info`.
        tables: The tables that will leave, by name. Not changed.

    Returns:
        One check of the kind `quality` for each expectation, in their order; only critical ones block. `measured`
        holds counts of values and percentages (0–100); a count from 1 to 9 is the text `<10`, a count that would give
        such a one away is `hidden`, and then there are no percentages. An expectation that names a table or column
        the release does not have, or that cannot be run, is a failed check that blocks whatever its severity; so is
        a suite without expectations.

    Guarantee: No value of the tables is in the checks, in logs or in the output of the process.
    Not guaranteed: That counts from ten up are fit for the public: the checks are for the steward's room.
    """
    entries = suite.get("expectations")
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        return (_unrunnable("quality.suite", "the suite lists no expectations", None),)
    with _ALONE, _quiet():
        return _numbered(_judge_entry(place, entry, tables) for place, entry in enumerate(entries, start=1))


def verdicts(results: Iterable[CheckResult]) -> Mapping[QualityDimension, bool]:
    """Fold quality checks into one verdict for each dimension.

    Args:
        results: Checks of any kind; those that are not of the kind `quality` are passed over.

    Returns:
        For each dimension that a check speaks about, in the order of the label, whether all its checks passed,
        critical or not. A dimension that no check speaks about is absent: it is not established, not good.
    """
    spoken = [check for check in results if check.kind is CheckKind.QUALITY]
    return {
        dimension: all(check.passed for check in spoken if check.dimension is dimension)
        for dimension in QualityDimension
        if any(check.dimension is dimension for check in spoken)
    }


def _judge_entry(place: int, entry: object, tables: Mapping[str, pa.Table]) -> CheckResult:
    if not isinstance(entry, Mapping):
        return _unrunnable(f"quality.{place}", f"expectation {place} of the suite is not an object", None)
    meta = entry.get("meta")
    tagged: Mapping[str, object] = meta if isinstance(meta, Mapping) else {}
    known = {dimension.value: dimension for dimension in QualityDimension}
    dimension = known.get(str(tagged.get("dimension")))
    name = f"quality.{tagged.get('table', place)}.{str(entry.get('type')).removeprefix('expect_')}"
    severity = str(entry.get("severity", "critical"))
    try:
        _check_tags(dimension, severity)
        expectation = _read(entry, str(tagged.get("table")), tables)
        name = ".".join([name, "+".join(expectation.columns)] if expectation.columns else [name])
        passed, measured = _run(expectation, tables[expectation.table])
    except _Unreadable as unreadable:
        return _unrunnable(name, f"expectation {place} of the suite cannot be judged: {unreadable}", dimension)
    return CheckResult(
        name=name,
        kind=CheckKind.QUALITY,
        passed=passed,
        blocking=_BLOCKING[severity],
        what=_sentence(expectation, passed, measured),
        dimension=dimension,
        measured=measured,
    )


def _unrunnable(name: str, what: str, dimension: QualityDimension | None) -> CheckResult:
    return CheckResult(name=name, kind=CheckKind.QUALITY, passed=False, blocking=True, what=what, dimension=dimension)


def _sentence(expectation: _Expectation, passed: bool, measured: Mapping[str, Scalar]) -> str:
    if passed:
        return expectation.words
    wrong = measured.get("unexpected_count")
    if wrong is None:
        return f"does not hold: {expectation.words}"
    return f"{'some' if wrong == 'hidden' else wrong} contradict: {expectation.words}"


def _numbered(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Give every check a name of its own: the second of a name ends in `.2`."""
    seen: dict[str, int] = {}
    named = []
    for result in results:
        seen[result.name] = seen.get(result.name, 0) + 1
        times = seen[result.name]
        named.append(result if times == 1 else replace(result, name=f"{result.name}.{times}"))
    return tuple(named)


def _check_tags(dimension: QualityDimension | None, severity: str) -> None:
    if dimension is None:
        raise _Unreadable("its `meta.dimension` is not one of the six quality dimensions")
    if severity not in _BLOCKING:
        raise _Unreadable("its `severity` is not critical, warning or info")


def _read(entry: Mapping[str, object], table: str, tables: Mapping[str, pa.Table]) -> _Expectation:
    kind, kwargs = entry.get("type"), entry.get("kwargs", {})
    if not isinstance(kind, str) or not kind.startswith("expect_") or not isinstance(kwargs, Mapping):
        raise _Unreadable("it has no `type` that starts with expect_, or its `kwargs` are not an object")
    refused = sorted(_REFUSED & set(kwargs))
    if refused:
        raise _Unreadable(f"`{refused[0]}` is not allowed in a suite")
    if table not in tables:
        raise _Unreadable(f"the release has no table '{table}'")
    columns = () if kind.startswith("expect_table_") else _columns_of(kwargs)
    if not columns and not kind.startswith("expect_table_"):
        raise _Unreadable("it names no column")
    for name in columns:
        times = tables[table].column_names.count(name)
        if times != 1:
            raise _Unreadable(f"table '{table}' has {'no' if times == 0 else 'more than one'} column '{name}'")
    return _Expectation(kind=kind, kwargs=kwargs, table=table, columns=columns)


def _columns_of(kwargs: Mapping[str, object]) -> tuple[str, ...]:
    listed = kwargs.get("column_list")
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B")]
    named += listed if isinstance(listed, list) else []
    return tuple(dict.fromkeys(str(name) for name in named if name is not None))


def _run(expectation: _Expectation, table: pa.Table) -> tuple[bool, Mapping[str, Scalar]]:
    """Return whether an expectation holds, and its figures that may be kept."""
    try:
        answer = _ask(expectation, _frame(expectation, table))
        success, result, failures = answer.success, dict(answer.result), answer.exception_info
        raised = any(
            failure.get("raised_exception")
            for failure in (failures, *failures.values())
            if isinstance(failure, Mapping)
        )
    except Exception:  # noqa: BLE001 -- whatever went wrong inside, the text of the error may quote a value
        success, result, raised = None, {}, True
    if raised or success not in {True, False}:
        raise _Unreadable(f"{expectation.words}; the error is withheld, because it may quote a value")
    return bool(success), _figures(expectation, result)


def _ask(expectation: _Expectation, frame: Any) -> Any:
    # Read by the library when it is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment] # a plain dictionary is documented
    asset = context.data_sources.add_pandas("release").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})
    # The entry's `meta` and `notes` stay behind, and each expectation is alone: one that is wrong spoils no other.
    alone = [{"type": expectation.kind, "kwargs": dict(expectation.kwargs)}]
    return batch.validate(gx.ExpectationSuite(name="one", expectations=alone).expectations[0], result_format="BASIC")


def _frame(expectation: _Expectation, table: pa.Table) -> Any:
    """Return the columns an expectation reads as a data frame, and no others."""
    import pandas as pd

    if expectation.asks_for_columns:
        return table.slice(0, 0).to_pandas(types_mapper=pd.ArrowDtype)
    narrow = table.select(list(expectation.columns))
    if expectation.kind.startswith("expect_column_pair_"):
        # Arrow's comparison with a null is null, which the library cannot count; that of NumPy is false.
        return narrow.to_pandas(date_as_object=False)
    return narrow.to_pandas(types_mapper=pd.ArrowDtype)


def _figures(expectation: _Expectation, result: Mapping[str, object]) -> Mapping[str, Scalar]:
    """Take the figures that may be kept from a result, which also holds values."""
    observed = result.get("observed_value")
    if expectation.kind.startswith("expect_table_row_count_") and isinstance(observed, Integral):
        return {"observed_value": _shown(int(observed))}
    counts = {name: int(count) for name in _COUNTS if isinstance(count := result.get(name), Integral)}
    total, missing = counts.get("element_count", 0), counts.get("missing_count", 0)
    unexpected = counts.get("unexpected_count", 0)
    rests = {
        "missing_count": (total - missing,),
        "unexpected_count": (total - unexpected, total - missing - unexpected),
    }
    figures: dict[str, Scalar] = {name: _shown(count, *rests.get(name, ())) for name, count in counts.items()}
    if any(isinstance(figure, str) for figure in figures.values()):
        # A percentage beside the other counts gives a hidden one away.
        return figures
    for name in _PERCENTS:
        percent = result.get(name)
        if isinstance(percent, Real) and math.isfinite(percent):
            figures[name] = round(float(percent), 4)
    return figures


def _shown(count: int, *rests: int) -> Scalar:
    """Return a count as the steward may see it; `rests` are the counts that it would give away."""
    disclosed = disclose_count(count, room=Room.STEWARD)
    if disclosed.value is None:
        return disclosed.text
    small = count > 0 and any(disclose_count(rest, room=Room.STEWARD).value is None for rest in rests)
    return "hidden" if small else count


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's log lines in, and let its own deprecations be no error; undone at the end."""
    logger = logging.getLogger("great_expectations")
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    try:
        with warnings.catch_warnings():
            for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", category)
            # pandas, about parentheses in a regular expression that only matches.
            warnings.filterwarnings("ignore", message="This pattern is interpreted", category=UserWarning)
            yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
