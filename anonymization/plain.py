"""One table, no policy, no deployment: `anonymize(table, release)` for who works with a table in Python.

Here: a release described in a few words, and the table with its evidence. The way a deployment takes, with consent,
pseudonyms, details and signatures, is in `microdata`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from anonymization.column_names import require_usable_names
from anonymization.evidence import CheckResult
from anonymization.generalize import AS_ARX, Generalized, HowToSearch, generalize_table
from anonymization.hierarchy import Hierarchy
from anonymization.loss import metric_of
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import LocallyRecoded, recode_locally
from anonymization.recount import SourceRows, recount
from anonymization.search.problem import Progress
from anonymization.sensitive_models import AskedModel, columns_of, record_of, with_hierarchies
from anonymization.utility.compared import compare_tables
from anonymization.utility.queries import CountQuery
from anonymization.utility.report import Utility, measure_utility
from policies.errors import DataError, IntegrityError, PolicyError
from policies.model.method import Microdata
from policies.model.sensitive import parameters_of

if TYPE_CHECKING:
    import pyarrow as pa

ROW = "__niji_row"


@dataclass(frozen=True, slots=True)
class PlainRelease:
    """What is asked of a table.

    `quasi_identifiers` gives the hierarchy of each column that identifies in combination; None keeps its values as they
    are. `k` counts people: `person` names their column, else every row is another person. `sensitive` are models of what
    a class may tell, `keep` further columns that leave as they are. Whatever is not named does not leave. `how` is what global
    recoding makes least.
    """

    quasi_identifiers: Mapping[str, Hierarchy | None]
    k: int
    sensitive: Sequence[AskedModel] = ()
    suppression_limit: float = 0.02
    person: str | None = None
    keep: Sequence[str] = ()
    recoding: Literal["global", "local"] = "global"
    how: HowToSearch = AS_ARX

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that leave, each once."""
        return tuple(dict.fromkeys([*self.quasi_identifiers, *columns_of(self.sensitive), *self.keep]))

    @classmethod
    def of_method(
        cls, method: Microdata, *, hierarchies: Mapping[str, Hierarchy], person: str | None = None
    ) -> "PlainRelease":
        """Return what the method of a release policy asks of its records, for a table that has its output columns.

        Args:
            method: The policy's `method:`.
            hierarchies: By output column; and by name those that a distance names.
            person: The column of the person.

        Raises:
            PolicyError: The method asks for what one plain table cannot be held to, or names a hierarchy that is not given.
        """
        require_plain(method)
        return cls(
            quasi_identifiers={name: hierarchies.get(name) for name in method.quasi_identifiers},
            k=method.k,
            sensitive=with_hierarchies(method.sensitive, hierarchies),
            suppression_limit=method.suppression_limit,
            person=person,
            recoding=method.recoding or "global",
            how=HowToSearch(metric=metric_of(method.loss)),
        )


def require_plain(method: Microdata) -> None:
    """Refuse a method that asks for more than one plain table can be held to.

    Raises:
        PolicyError: `policy.not-plain`: it names risks, events or a household; or `policy.record-risk`: k people are a
            higher risk than it allows.
    """
    more = [name for name in ("risks", "events", "household") if getattr(method, name) is not None]
    if more:
        raise PolicyError(
            "policy.not-plain",
            what=f"the method asks for {', '.join(f'`{name}`' for name in more)}, which one plain table does not have",
            why="a promise that is left out in silence is no promise",
            fix="run the release in a deployment, or ask with options of its own for what a table can have",
        )
    if 1 / method.k > method.max_record_risk:
        raise PolicyError(
            "policy.record-risk",
            what=f"k = {method.k} leaves a risk above `max_record_risk`",
            why="the method contradicts itself (rule CONS-01)",
            fix="raise k, or allow the risk",
        )


@dataclass(frozen=True, slots=True)
class AnonymizedTable:
    """The table that may leave, in an order of its own, and what proves it.

    `checks` are of the independent recount, all passed. `utility` is measured against the source, so it is for who may
    see the source; `evidence()` leaves it out unless it is asked for.
    """

    table: "pa.Table" = field(repr=False)
    result: Generalized | LocallyRecoded = field(repr=False)
    checks: tuple[CheckResult, ...]
    release: PlainRelease = field(repr=False)
    _before: "pa.Table" = field(repr=False)
    _after: "pa.Table" = field(repr=False)

    def utility(
        self,
        *,
        target: str | None = None,
        weights: Mapping[str, float] | None = None,
        queries: Sequence[CountQuery] = (),
    ) -> Utility:
        """Measure what the table is still worth; arguments as `utility.report.measure_utility`.

        Raises:
            PolicyError: A query that names what the table does not have.
            DataError: No such target.
        """
        if target is not None and target not in self._before.column_names:
            raise _absent([target])
        import ibis

        result = self.result
        compared = compare_tables(
            ibis.memtable(self._before),
            ibis.memtable(self._after),
            row_id=ROW,
            quasi_identifiers=[one for one in _quasi(self.release) if one.column != target],
            levels=result.node if isinstance(result, Generalized) else None,
            person=self.release.person,
            target=target,
        )
        return measure_utility(compared, k=self.release.k, weights=weights, queries=queries)

    def evidence(self) -> dict[str, Any]:
        """Return what was asked and what came of it, as plain JSON values: names, counts and figures, never a value."""
        result, release = self.result, self.release
        return {
            "k": result.k_reached,
            "k_required": release.k,
            "recoding": release.recoding,
            "levels": dict(result.node) if isinstance(result, Generalized) else result.levels,
            "loss": result.loss,
            "metric": result.metric,
            "gap": result.gap if isinstance(result, Generalized) else None,
            "classes": result.classes,
            "records": result.records,
            "people": result.people,
            "suppressed_records": result.suppressed_records,
            "suppression_limit": release.suppression_limit,
            "sensitive": [parameters_of(record_of(model)) for model in release.sensitive],
            "missing_values": "own_category",
            "columns": list(release.columns),
            "class_sizes": result.class_sizes.as_json(),
            "recount": [check.as_json() for check in self.checks],
        }


def anonymize(table: Any, release: PlainRelease, *, progress: Progress | None = None) -> AnonymizedTable:
    """Generalize and suppress a table with the least loss until it meets what is asked, and recount the result.

    Args:
        table: An Arrow table, a pandas data frame or an Ibis expression. Not changed. Missing values are a category of their
            own.
        release: What is asked.
        progress: Called after each check of global recoding, with the gap so far.

    Returns:
        The table without the person and without whatever the release does not name.

    Guarantee: as `generalize_table`, or `recode_locally`; a second code path has counted the rows anew.
    Not guaranteed: as there. The table is not pseudonymized, scanned for identifiers or held against a rule pack: columns
    of `keep` and sensitive columns leave as they are.

    Raises:
        PolicyError: Settings that contradict themselves.
        DataError: A missing column, an empty table, no solution: with what would be one.
        IntegrityError: The recount differs; nothing is returned.
    """
    import ibis

    before = _numbered(table, release)
    asked: dict[str, Any] = {
        "quasi_identifiers": _quasi(release),
        "k": release.k,
        "sensitive": release.sensitive,
        "suppression_limit": release.suppression_limit,
        "person": release.person,
    }
    rows = ibis.memtable(before)
    result: Generalized | LocallyRecoded
    if release.recoding == "local":
        result = recode_locally(rows, **asked)
    else:
        result = generalize_table(rows, **asked, how=release.how, progress=progress)
    # Sorted, so that the order of the source says nothing.
    after = result.rows.order_by(list(release.columns)).to_pyarrow()
    checks = _recounted(before, after, result, release)
    return AnonymizedTable(after.select(list(release.columns)), result, checks, release, before, after)


def _quasi(release: PlainRelease) -> list[QuasiIdentifier]:
    return [QuasiIdentifier(name, hierarchy) for name, hierarchy in release.quasi_identifiers.items()]


def _numbered(table: Any, release: PlainRelease) -> "pa.Table":
    """Return the columns that are needed as Arrow, with a number for each row."""
    import pyarrow as pa

    if release.person is not None and release.person in release.columns:
        raise PolicyError(
            "policy.person-leaves",
            what=f"the person column '{release.person}' is also to be published",
            why="whoever names the person cannot leave",
            fix="name it only as `person`",
        )
    if hasattr(table, "to_pyarrow"):
        table = table.to_pyarrow()
    elif not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    wanted = [*release.columns, *([release.person] if release.person else [])]
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise _absent(absent)
    require_usable_names(wanted)
    return table.select(wanted).append_column(ROW, pa.array(range(table.num_rows), pa.int64()))


def _absent(names: Sequence[str]) -> DataError:
    return DataError(
        "data.column-missing",
        what=f"the table has no column {', '.join(repr(name) for name in names)}",
        why="every column that is named must be there",
        fix="check the spelling against the table's columns",
    )


def _recounted(
    before: "pa.Table", after: "pa.Table", result: Generalized | LocallyRecoded, release: PlainRelease
) -> tuple[CheckResult, ...]:
    import ibis

    source = SourceRows(
        rows=ibis.memtable(before),
        row_id=ROW,
        hierarchies={name: one for name, one in release.quasi_identifiers.items() if one is not None},
        levels=result.node if isinstance(result, Generalized) else None,
    )
    checks = recount(
        ibis.memtable(after),
        quasi_identifiers=list(release.quasi_identifiers),
        k=release.k,
        sensitive=release.sensitive,
        person=release.person,
        source=source,
    )
    failed = [check for check in checks if not check.passed]
    if failed:
        raise IntegrityError(
            "integrity.recount",
            what="; ".join(check.what for check in failed),
            why="the independent recount does not find what the search claims",
            fix="report this with the version and the settings; the table must not be released",
        )
    return checks
