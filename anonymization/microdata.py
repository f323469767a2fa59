"""Anonymized microdata: records that meet k-anonymity counted in people, and their details, under new random ids.

Here: which table is the record and which are its details, the new ids, and the evidence. The search is in
`generalize`, the risk in `risk`, the independent recount in `recount`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import pyarrow as pa

from anonymization.evidence import CheckResult, Evidence
from anonymization.generalize import Generalized, HowToSearch, generalize_table
from anonymization.hierarchies.coverage import unseen_counts
from anonymization.hierarchy import Hierarchy
from anonymization.key_maps import attach_values, count_distinct, count_nulls, count_rows
from anonymization.loss import metric_of
from anonymization.microdata_events import (
    UNIT,
    DetailRows,
    ReleasedEvents,
    events_evidence,
    recount_published,
    release_events,
    searched_events,
    with_unit,
)
from anonymization.microdata_words import guarantee_of, not_guaranteed_of
from anonymization.quasi import QuasiIdentifier
from anonymization.rare_values import without_rare
from anonymization.recoding.local import LocallyRecoded, recode_locally
from anonymization.recount import SourceRows, recount
from anonymization.recount_sensitive import reached_of
from anonymization.risk import risk
from anonymization.risk_models import AskedRisk
from anonymization.search.problem import Progress
from anonymization.sensitive_models import AskedModel, columns_of, with_hierarchies
from anonymization.tables import Anonymized, Pseudonymized
from anonymization.treat import HOUSEHOLD, PERSON, RECORD, TreatedTable, record_of, treat_tables
from anonymization.treatments import random_id
from anonymization.utility.steward import steward_evidence
from policies.errors import DataError, PolicyError
from policies.model import ReleasePolicy
from policies.model.events import parameters_of_events
from policies.model.method import Microdata
from policies.model.sensitive import parameters_of
from policies.model.treatment import Pseudonymize
from policies.vocabulary import TableKind

RECORD_ID = "record_id"
"""What the new random id is called if the release drops the record key."""

_NEW_ID = "__niji_new_id"


def protect_microdata(
    release: ReleasePolicy,
    sources: Mapping[str, Pseudonymized],
    *,
    hierarchies: Mapping[str, Hierarchy],
    progress: Progress | None = None,
) -> Anonymized:
    """Make a release's records k-anonymous by people, cut its details to them, and give all new random ids.

    The record table (with the columns of people joined to it) is generalized by the search; classes that fail are
    removed. Each remaining record gets a random id of 128 bits; tables that hold the record's key become details under
    that id. Rows are ordered by random id, so their order tells nothing. Values under `roll_up_rare` that the removal
    made rare again become null; microaggregated means that it left to too few are averaged with their neighbors.

    Args:
        release: A release with the method `microdata`.
        sources: The pseudonymized datasets by id. Not changed.
        hierarchies: The hierarchies by name.
        progress: Told how the search of global recoding goes; local recoding takes seconds.

    Returns:
        The record table and its details under their names, without any key of the source, and the evidence.

    Raises:
        PolicyError: The release and its method do not fit: a key would leave, a quasi-identifier is not an output
            column, a table is connected with no record.
        DataError: Records without a person or with one key; the model cannot be met within the suppression limit; the
            highest risk of a record is above `max_record_risk`.

    Guarantee: Every combination of quasi-identifier values in the record table is shared by at least k people (missing
    values are a value of their own), and each of its classes meets every model under `sensitive`, counted in rows.
    With `events`, what `events.set_valued` and `events.trajectory` promise of codes and dates, in the tables as they leave, joined. With
    `household`, k counts households. No key of the source, and no id that is in another release, is in the output; the map of the ids is not kept.
    Not guaranteed: Protection against who knows a person's exact details (laboratory values, diagnoses beyond `events`), which k does
    not count. Records of one person are not linked, but may be alike, and count as several in the models of sensitive columns.
    Values that all people of a class share are learned (only those models limit that). Nothing is said of several releases taken together.
    """
    method = _microdata(release)
    prepared = prepare_microdata(release, sources, hierarchies=hierarchies)
    record = prepared.record
    generalized = _generalized(method, prepared, progress)
    rare = {name: people for name, people in record.rare.items() if name not in method.quasi_identifiers}
    # The result is read once, so that ids, details, risks and recount speak of the same rows.
    means = {name: step for name, step in record.means.items() if name not in method.quasi_identifiers}
    kept = without_rare(generalized.rows, rare, within=record.rare_within, means=means).to_pyarrow()
    events = _released_events(method, prepared, kept, hierarchies)
    tables, ids = _with_new_ids(release, prepared, events.records if events else kept, events)
    checks = _recount(method, prepared, generalized, ibis.memtable(kept))
    if events is not None:
        checks += recount_published(
            method,
            tables,
            before=events.before,
            ids=ids,
            units=kept.column(UNIT),
            id_column=record_id_column(release),
        )
    evidence = _evidence(method, prepared, generalized, Kept(ibis.memtable(kept), checks, events))
    return Anonymized(release, tables, evidence)


def _generalized(method: Microdata, prepared: "Prepared", progress: Progress | None) -> Generalized | LocallyRecoded:
    """Recode the records as the method asks."""
    asked: dict[str, Any] = {
        "quasi_identifiers": prepared.quasi_identifiers,
        "k": method.k,
        "sensitive": prepared.sensitive,
        "suppression_limit": method.suppression_limit,
        "person": UNIT,
    }
    if method.recoding == "local":
        return recode_locally(prepared.records, **asked)
    how = HowToSearch(metric=metric_of(method.loss))
    asked_risk = AskedRisk(method.risks or ())
    return generalize_table(prepared.records, **asked, asked_risk=asked_risk, how=how, progress=progress)


@dataclass(frozen=True, slots=True)
class Kept:
    """The records that leave, with their people, what the recount found in them, and their events."""

    rows: ibis.Table = field(repr=False)
    checks: tuple[CheckResult, ...]
    events: ReleasedEvents | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows that go into the search, with the person, whom k counts, and the record key, and what they are released with."""

    record: TreatedTable
    details: tuple[TreatedTable, ...]
    records: ibis.Table = field(repr=False)
    quasi_identifiers: tuple[QuasiIdentifier, ...]
    sensitive: tuple[AskedModel, ...]


def prepare_microdata(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy]
) -> Prepared:
    """Treat the tables of a release up to the point where the search begins.

    Raises:
        PolicyError, DataError: As `protect_microdata`.
    """
    method = _microdata(release)
    treated = treat_tables(release, sources, hierarchies=hierarchies)
    record = _record_table(release, method, treated)
    details = _detail_tables(release, method, treated)
    quasi_identifiers = _quasi_identifiers(method, record, hierarchies)
    sensitive = with_hierarchies(method.sensitive, hierarchies)
    return Prepared(record, details, _leaving_records(record), quasi_identifiers, sensitive)


def _microdata(release: ReleasePolicy) -> Microdata:
    method = release.method
    if not isinstance(method, Microdata):
        raise PolicyError(
            "policy.other-method",
            what=f"release '{release.id}' has the method '{method.kind}'",
            why="this step makes microdata",
            fix="use the step of its own method",
        )
    if release.table(method.record) is None:
        raise _no_record_table(release, method)
    return method


def record_id_column(release: ReleasePolicy) -> str:
    """Return the name under which the records' new random ids leave.

    It is the output name of the record key if the release lets that key leave as a random id, else `record_id`.
    """
    method = release.method
    entry = release.table(method.record) if isinstance(method, Microdata) else None
    for column in entry.columns if entry else ():
        if column.leaves and any(isinstance(step, Pseudonymize) for step in column.treat):
            return column.output_name
    return RECORD_ID


def _no_record_table(release: ReleasePolicy, method: Microdata) -> PolicyError:
    return PolicyError(
        "policy.no-record-table",
        what=f"the record table '{method.record}' of release '{release.id}' is not among its tables of people",
        why="its rows are what k-anonymity is about",
        fix="list the table in the release, or correct `method.record`",
    )


def _record_table(release: ReleasePolicy, method: Microdata, treated: Mapping[str, TreatedTable]) -> TreatedTable:
    record = treated.get(method.record)
    if record is None or PERSON not in record.rows.columns:
        raise _no_record_table(release, method)
    _only_record_key_leaves(record, record.record_domain)
    known = {*method.quasi_identifiers, *searched_events(method, record.name)}
    unsearched = sorted(name for name in record.searched if name not in known)
    if unsearched:
        raise PolicyError(
            "policy.search-without-quasi-identifier",
            what=f"{', '.join(unsearched)} of '{method.record}' leave their level to the search, but are not searched",
            why="only quasi-identifiers are searched; the values would leave as they are",
            fix="list the column under `quasi_identifiers`, or write a level",
        )
    if method.household is not None and HOUSEHOLD not in record.rows.columns:
        raise PolicyError(
            "policy.unknown-column",
            what=f"there is no column '{method.household.column}' in '{method.household.table}' beside '{record.name}'",
            why="k is to count the households that it names",
            fix="name the column of a person table of the release, with `role: household_key`",
        )
    return record


def _detail_tables(
    release: ReleasePolicy, method: Microdata, treated: Mapping[str, TreatedTable]
) -> tuple[TreatedTable, ...]:
    details = []
    for table in treated.values():
        if table.name == method.record or (table.kind is TableKind.PERSON):
            continue
        if method.record not in table.details_of:
            raise PolicyError(
                "policy.table-not-connected",
                what=f"table '{table.name}' of release '{release.id}' names no key of the record table '{method.record}'",
                why="what is not tied to a record is not covered by its privacy model",
                fix="take the table out of the release, or declare its key with `references`",
            )
        own_searched = sorted(set(table.searched) - table.joined - searched_events(method, table.name))
        if own_searched:
            raise PolicyError(
                "policy.search-without-quasi-identifier",
                what=f"{', '.join(own_searched)} of '{table.name}' leave their level to the search",
                why="the search runs over the record table only",
                fix="write a level, or name the column under `events`",
            )
        _only_record_key_leaves(table, treated[method.record].record_domain)
        details.append(table)
    return tuple(details)


def _only_record_key_leaves(table: TreatedTable, record_domain: str | None) -> None:
    for name, domain in table.keys.items():
        if domain != record_domain:
            raise PolicyError(
                "policy.key-leaves",
                what=f"the key '{name}' of '{table.name}' would leave in anonymized microdata",
                why="rows of one person would be linked, and k-anonymity would not count that (rule APPI-23)",
                fix="treat it with `drop_column`; only the record's own key may leave, as a random id",
            )


def _quasi_identifiers(
    method: Microdata, record: TreatedTable, hierarchies: Mapping[str, Hierarchy]
) -> tuple[QuasiIdentifier, ...]:
    leaving = set(record.leaving)
    unknown = sorted(({*method.quasi_identifiers} | {criterion.column for criterion in method.sensitive}) - leaving)
    if unknown:
        raise PolicyError(
            "policy.unknown-column",
            what=f"the method names {', '.join(unknown)}, which do not leave in '{record.name}'",
            why="the privacy model must speak of columns of the output (rule CONS-02)",
            fix="write output names (after `as`) of the record table",
        )
    return tuple(
        QuasiIdentifier(name, hierarchies[record.searched[name]] if name in record.searched else None, None)
        for name in method.quasi_identifiers
    )


def _leaving_records(record: TreatedTable) -> ibis.Table:
    """Return the record rows that go into the search: what leaves, the person, and the record key if there is one."""
    keyed = RECORD in record.rows.columns
    inner = [PERSON, RECORD] if keyed else [PERSON]
    rows_with_unit = with_unit(record.rows)
    chosen = rows_with_unit.select([*(name for name in record.leaving if name not in record.keys), *inner, UNIT])
    # Computed once: the treatments make a deep expression, and every count and join below would compile and run it anew.
    rows = ibis.memtable(chosen.to_pyarrow())
    without_person = count_nulls(rows, PERSON)
    double = count_rows(rows) - count_distinct(rows, RECORD) if keyed else 0
    if without_person or double:
        raise DataError(
            "data.duplicate-record",
            what=f"table '{record.name}' has {without_person} rows without a person and {double} without a key of their own",
            why="a record must belong to one person, and its details to one record",
            fix="correct the keys at the source",
        )
    return rows


def _released_events(
    method: Microdata, prepared: Prepared, kept: pa.Table, hierarchies: Mapping[str, Hierarchy]
) -> ReleasedEvents | None:
    """Make the codes and dates of the records that are left safe, None if the method asks nothing of them."""
    if method.events is None:
        return None
    details = {}
    for detail in prepared.details:
        if searched_events(method, detail.name):
            key = record_of(prepared.record.name)
            own = [name for name in detail.leaving if name not in detail.keys and name not in detail.joined]
            rows = detail.rows.select([*own, key, PERSON])
            details[detail.name] = DetailRows(rows, key, detail.rare, detail.searched, detail.rare_within, detail.means)
    return release_events(
        method,
        kept,
        record=prepared.record,
        details=details,
        hierarchies=hierarchies,
    )


def _with_new_ids(
    release: ReleasePolicy, prepared: Prepared, kept: pa.Table, events: ReleasedEvents | None
) -> tuple[dict[str, ibis.Table], list[str]]:
    """Return the tables that leave, and the new id of each row of `kept`."""
    record, details = prepared.record, prepared.details
    name = record_id_column(release)
    ids = [random_id() for _ in range(kept.num_rows)]
    columns = [column for column in record.leaving if column not in record.keys]
    numbered = kept.select(columns).add_column(0, name, pa.array(ids, pa.string()))
    tables = {record.name: ibis.memtable(numbered.sort_by(name))}
    if not details:
        return tables, ids
    new_id = dict(zip(kept.column(RECORD).to_pylist(), ids, strict=True))
    key = record_of(record.name)
    for detail in details:
        own = [column for column in detail.leaving if column not in detail.keys and column not in detail.joined]
        id_column = next(iter(detail.keys), name)
        if events is not None and detail.name in events.details:
            tables[detail.name] = ibis.memtable(events.numbered(detail.name, id_column, ids))
            continue
        linked = attach_values(detail.rows.select([*own, key, PERSON]), key, new_id, output=_NEW_ID)
        linked = linked.filter(linked[_NEW_ID].notnull())
        linked = without_rare(linked, detail.rare, within=detail.rare_within, means=detail.means)
        chosen = linked.select(**{id_column: linked[_NEW_ID]}, **{column: linked[column] for column in own})
        tables[detail.name] = chosen.order_by([id_column, *own])
    return tables, ids


def _evidence(method: Microdata, prepared: Prepared, generalized: Generalized | LocallyRecoded, kept: Kept) -> Evidence:
    names = [quasi.column for quasi in prepared.quasi_identifiers]
    sensitive = columns_of(prepared.sensitive)
    before = risk(prepared.records, quasi_identifiers=names, sensitive=sensitive, person=UNIT)
    after = risk(kept.rows, quasi_identifiers=names, sensitive=sensitive, person=UNIT)
    highest = 1 / generalized.k_reached if generalized.k_reached else 1.0
    if generalized.k_reached < method.k or highest > method.max_record_risk:
        raise DataError(
            "data.record-risk",
            what=f"the highest record risk is {highest:.4f}, k reached is {generalized.k_reached}",
            why=f"the release promises k = {method.k} and a risk of at most {method.max_record_risk}",
            fix="raise k, coarsen the hierarchies, or raise the suppression limit",
        )
    return Evidence(
        method="microdata",
        people_in=count_distinct(prepared.records, PERSON),
        people_out=count_distinct(kept.rows, PERSON),
        records_in=generalized.records,
        records_out=generalized.records - generalized.suppressed_records,
        guarantee=guarantee_of(method),
        not_guaranteed=not_guaranteed_of(method),
        k=generalized.k_reached,
        loss=generalized.loss,
        parameters={
            "k": method.k,
            "sensitive": [parameters_of(model) for model in method.sensitive],
            **({"risks": [model.model_dump(mode="json") for model in method.risks]} if method.risks else {}),
            "suppression_limit": method.suppression_limit,
            "max_record_risk": method.max_record_risk,
            "quasi_identifiers": names,
            "hierarchies": {
                quasi.column: quasi.hierarchy.name for quasi in prepared.quasi_identifiers if quasi.hierarchy
            },
            **({"recoding": method.recoding} if method.recoding else {}),
            "levels": _levels(generalized),
            "missing_values": "own_category",
            "counted": "households" if method.household else "people",
            **({"events": parameters_of_events(method.events)} if method.events else {}),
            "record_ids": "random, 128 bits, map not stored",
            "basis": method.basis,
            "approved_by": method.approved_by,
        },
        measured={
            "node": _levels(generalized),
            "classes": generalized.classes,
            "suppressed_records": generalized.suppressed_records,
            "unseen_values": unseen_counts(prepared.records, _searched(prepared)),
            "metric": generalized.metric,
            **_how_found(generalized),
            "record_risk_max": highest,
            "sensitive": reached_of(prepared.sensitive, kept.checks),
            **events_evidence(kept.events),
            "risk_before": before.as_json(),
            "risk_after": after.as_json(),
        },
        checks=kept.checks,
        steward=steward_evidence(
            prepared.records,
            kept.rows,
            row_ids=(RECORD, PERSON),
            quasi_identifiers=prepared.quasi_identifiers,
            levels=generalized.node if isinstance(generalized, Generalized) else None,
            person=UNIT,
            k=method.k,
            spectra=(before.spectrum, after.spectrum),
        ),
    )


def _searched(prepared: Prepared) -> dict[str, Hierarchy]:
    """Return the hierarchies of the quasi-identifiers whose level the search chooses."""
    return {quasi.column: quasi.hierarchy for quasi in prepared.quasi_identifiers if quasi.hierarchy is not None}


def _levels(generalized: Generalized | LocallyRecoded) -> dict[str, int | str]:
    """Return the level of each quasi-identifier; of a locally recoded one the lowest and the highest in use."""
    if isinstance(generalized, Generalized):
        return dict(generalized.node)
    used = {column: [level for level, rows in found.items() if rows] for column, found in generalized.levels.items()}
    return {column: f"{min(levels)}-{max(levels)}" for column, levels in used.items()}


def _how_found(generalized: Generalized | LocallyRecoded) -> dict[str, Any]:
    if isinstance(generalized, Generalized):
        return {"nodes_checked": generalized.checks, "gap": generalized.gap}
    rows = {
        column: {str(level): count for level, count in found.items()} for column, found in generalized.levels.items()
    }
    return {
        "arithmetic_loss": generalized.arithmetic_loss,
        "rows_by_level": rows,
        "local_recoding": generalized.how.as_json(),
    }


def _recount(
    method: Microdata, prepared: Prepared, generalized: Generalized | LocallyRecoded, kept: ibis.Table
) -> tuple[CheckResult, ...]:
    """Have the kept rows recounted by the independent code while they still say whose they are."""
    searched = _searched(prepared)
    row_id = RECORD if RECORD in prepared.records.columns else None
    levels = generalized.node if isinstance(generalized, Generalized) else None
    source = SourceRows(prepared.records, row_id, searched, levels)
    checks = recount(
        kept,
        quasi_identifiers=[quasi.column for quasi in prepared.quasi_identifiers],
        k=method.k,
        sensitive=prepared.sensitive,
        person=UNIT,
        source=source,
        asked_risk=AskedRisk(method.risks or ()),
    )
    failed = [check.name for check in checks if check.blocking and not check.passed]
    if failed:
        raise DataError(
            "data.recount-differs",
            what=f"the independent recount of the rows that would leave failed: {', '.join(failed)}",
            why="a release that two ways of counting do not agree on is not released",
            fix="raise the suppression limit if a sensitive column has `roll_up_rare`; else report a fault of the program",
        )
    return checks
