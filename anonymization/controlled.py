"""Controlled rows: genome and clinical rows of the same people, under ids of one release, for a sealed extract."""

from collections.abc import Mapping
from typing import Any

import ibis

from anonymization.evidence import Evidence, Statement
from anonymization.hierarchy import Hierarchy
from anonymization.key_maps import attach_values, count_rows, distinct_values, keep_values
from anonymization.samples import keep_samples
from anonymization.tables import ControlledRows, GenotypeTable, PersonTable, Pseudonymized
from anonymization.treat import PERSON, TreatedTable, treat_tables
from anonymization.treatments import random_id
from policies.errors import DataError, PolicyError
from policies.model import ReleasePolicy
from policies.model.method import ControlledRows as ControlledMethod
from policies.vocabulary import ColumnRole

PERSON_ID = "person_id"
"""What a person's random id is called in the tables of the release, unless the release names the person key itself."""

_NEW_ID = "__niji_new_id"


def protect_controlled_rows(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy]
) -> ControlledRows:
    """Cut the release's tables and genotypes to the people who are in all its datasets, under ids of this release.

    Every person gets one random id, the same in all tables of the release, and so gets every sample; the order of
    rows and of samples is that of random numbers. Other keys that the release lets leave get random ids as well.

    Args:
        release: A release with the method `controlled_rows`.
        sources: The pseudonymized datasets by id; those of several datasets must belong to one project. Not changed.
        hierarchies: The hierarchies by name.

    Returns:
        The tables, first column the person's id, and the genotype tables, whose samples are called by the ids of the
        people they come from.

    Raises:
        PolicyError: The release has another method; its datasets belong to different projects; a column is left to a
            search; two samples come from one person.
        DataError: Nobody is in all datasets; more people than `max_people`.

    Guarantee: Nobody is in the output who is not in every dataset of the release, so nobody without consent in each.
    No key or pseudonym of the source is left, and ids of two releases are unrelated.
    Not guaranteed: Anonymity. A genome identifies its person (個人識別符号): these are personal data, and leave only
    sealed, under a permit.
    """
    method = release.method
    if not isinstance(method, ControlledMethod):
        raise PolicyError(
            "policy.other-method",
            what=f"release '{release.id}' has the method '{method.kind}'",
            why="this step makes controlled rows",
            fix="use the step of its own method",
        )
    _one_project(release, sources)
    treated = treat_tables(release, sources, hierarchies=hierarchies)
    _nothing_searched(treated)
    people_in = _people_in(release, sources)
    people = _people_in_all(release, treated, sources)
    _limit_people(release, method, len(people))
    ids = {person: random_id() for person in people}
    tables = {name: _named_rows(release, sources, table, ids) for name, table in treated.items()}
    genotypes = {
        entry.table: _named_samples(table, sources[entry.dataset], ids)
        for entry in release.tables
        if isinstance(table := sources[entry.dataset].tables[entry.table], GenotypeTable)
        and _column_leaves(release, entry.table)
    }
    return ControlledRows(release, tables, genotypes, _evidence(method, treated, tables, genotypes, people_in, ids))


def _one_project(release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> None:
    projects = {sources[name].dataset.project for name in release.datasets if name in sources}
    if len(projects) > 1:
        raise PolicyError(
            "policy.different-projects",
            what=f"the datasets of release '{release.id}' belong to {len(projects)} projects",
            why="pseudonyms of different projects do not agree, so people cannot be found in both",
            fix="give the datasets the same `project`, if the same people may be linked",
        )


def _nothing_searched(treated: Mapping[str, TreatedTable]) -> None:
    searched = sorted(f"{table.name}.{name}" for table in treated.values() for name in table.searched)
    if searched:
        raise PolicyError(
            "policy.search-without-quasi-identifier",
            what=f"{', '.join(searched)} leave their level to the search",
            why="controlled rows are not searched; the values would leave as they are",
            fix="write a level, or keep the column with a reason",
        )


def _people_of(release: ReleasePolicy, source: Pseudonymized, dataset: str) -> set[Any]:
    """Return the persons of a dataset's tables in the release; those of genotypes by way of their samples."""
    people: set[Any] = set()
    for entry in release.tables:
        if entry.dataset != dataset:
            continue
        table = source.tables[entry.table]
        if isinstance(table, GenotypeTable):
            people.update(_sample_people(table, source).values())
        elif table.policy.person_key is not None:
            people.update(distinct_values(table.rows, table.policy.person_key))
    return people


def _people_in(release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> int:
    return len(set().union(*(_people_of(release, sources[name], name) for name in release.datasets)))


def _people_in_all(
    release: ReleasePolicy, treated: Mapping[str, TreatedTable], sources: Mapping[str, Pseudonymized]
) -> list[Any]:
    present = [_people_of(release, sources[name], name) for name in release.datasets]
    for entry in release.tables:
        table = sources[entry.dataset].tables[entry.table]
        if isinstance(table, GenotypeTable):
            present.append(set(_sample_people(table, sources[entry.dataset]).values()))
    return sorted(set.intersection(*present)) if present else []


def _limit_people(release: ReleasePolicy, method: ControlledMethod, people: int) -> None:
    if not people:
        raise DataError(
            "data.nobody-in-all",
            what=f"nobody is in all {len(release.datasets)} datasets of release '{release.id}'",
            why="an empty extract would look like a result",
            fix="check that the datasets name people by the same key",
        )
    if method.max_people is not None and people > method.max_people:
        raise DataError(
            "data.too-many-people",
            what=f"{people} people are in the release, and its policy allows {method.max_people}",
            why="a controlled release holds no more people than its purpose needs",
            fix="cut the datasets, or have `max_people` raised by a reviewer",
        )


def _sample_people(table: GenotypeTable, source: Pseudonymized) -> dict[str, Any]:
    """Return sample → person, for the samples of `table` that the table of people knows."""
    owner = source.tables.get(table.policy.samples or "")
    keys = owner.policy.with_role(ColumnRole.SAMPLE_KEY) if isinstance(owner, PersonTable) else ()
    if not isinstance(owner, PersonTable) or not keys:
        raise PolicyError(
            "policy.no-sample-table",
            what=f"genotype table '{table.policy.name}' does not name a table of people with a sample key",
            why="a genotype must belong to a person",
            fix="write `samples:` with the person table that has a column of the role sample_key",
        )
    pairs = owner.rows.select(sample=owner.rows[keys[0].name], person=owner.rows[str(owner.policy.person_key)])
    found = pairs.to_pyarrow().to_pydict()
    known = dict(zip(found["sample"], found["person"], strict=True))
    return {sample: known[sample] for sample in table.samples if sample in known}


def _named_samples(table: GenotypeTable, source: Pseudonymized, ids: Mapping[Any, str]) -> GenotypeTable:
    people = _sample_people(table, source)
    named = sorted(
        (ids[people[sample]], place)
        for place, sample in enumerate(table.samples)
        if sample in people and people[sample] in ids
    )
    if len({name for name, _ in named}) != len(named):
        raise PolicyError(
            "policy.samples-of-one-person",
            what=f"genotype table '{table.policy.name}' has several samples of one person",
            why="samples are called by their person's id, which must tell them apart",
            fix="keep one sample a person",
        )
    return keep_samples(table, [place for _, place in named], names=[name for name, _ in named])


def _column_leaves(release: ReleasePolicy, table: str) -> bool:
    entry = release.table(table)
    return entry is not None and any(column.leaves for column in entry.columns)


def _named_rows(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], table: TreatedTable, ids: Mapping[Any, str]
) -> ibis.Table:
    """Return the rows of the release's people, the person's key replaced by the id, sample keys as well."""
    own = [name for name in table.leaving if name not in table.joined]
    if PERSON not in table.rows.columns:
        return table.rows.select(own)
    person_column, same = _person_columns(release, sources, table)
    rows = keep_values(table.rows, PERSON, list(ids))
    rows = attach_values(rows, PERSON, ids, output=_NEW_ID)
    named = {person_column: rows[_NEW_ID]}
    named |= {name: rows[_NEW_ID] if name in same else rows[name] for name in own if name != person_column}
    chosen = rows.select(**named)
    # Ordered by the random id, then by what leaves: the order tells nothing that the rows do not.
    return chosen.order_by(list(chosen.columns))


def _person_columns(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], table: TreatedTable
) -> tuple[str, frozenset[str]]:
    """Return the output name of the person's id, and the columns that take the id too: sample keys."""
    policy = sources[table.dataset].tables[table.name].policy
    entry = release.table(table.name)
    names = {column.name: column.output_name for column in entry.columns if column.leaves} if entry else {}
    samples = frozenset(names[c.name] for c in policy.with_role(ColumnRole.SAMPLE_KEY) if c.name in names)
    return names.get(str(policy.person_key), PERSON_ID), samples


def _evidence(
    method: ControlledMethod,
    treated: Mapping[str, TreatedTable],
    tables: Mapping[str, ibis.Table],
    genotypes: Mapping[str, GenotypeTable],
    people_in: int,
    ids: Mapping[Any, str],
) -> Evidence:
    return Evidence(
        method="controlled_rows",
        people_in=people_in,
        people_out=len(ids),
        records_in=sum(count_rows(table.rows) for table in treated.values()),
        records_out=sum(count_rows(table) for table in tables.values()),
        guarantee=Statement(
            ja="すべてのデータセットに同意(または停止の求めのないこと)がある人だけを含む。IDはこの提供限りの乱数である。",
            en="Only people who may be used in every dataset are included; ids are random and of this release only.",
        ),
        not_guaranteed=Statement(
            ja="匿名ではない。ゲノムは個人識別符号であり、個人情報として、許可された封緘抽出でのみ提供する。",
            en="This is not anonymous. A genome identifies its person: these are personal data, given only sealed.",
        ),
        parameters={
            "environment": method.environment,
            "max_people": method.max_people,
            "ids": "random, 128 bits, map not stored",
        },
        measured={
            "rows_out": {name: count_rows(table) for name, table in tables.items()},
            "sites": {name: table.sites.num_rows for name, table in genotypes.items()},
            "samples": {name: len(table.samples) for name, table in genotypes.items()},
        },
    )
