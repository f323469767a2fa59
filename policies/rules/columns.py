"""Faults of a release's tables and columns: deny by default, nothing unknown, no identifier by the back door.

These hold for every release, whichever rule packs it lists.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator

from policies.library import PolicyKind
from policies.model import DatasetPolicy, ReleaseTable, TablePolicy
from policies.model.method import Microdata
from policies.places import Key
from policies.rules.identifiers import identifiers_stay_inside, is_reference_to_record, record_is_person
from policies.rules.view import Fault, ReleaseView
from policies.vocabulary import ColumnClass, ColumnRole, TableKind

_WHY_LISTED = "deny by default: a column leaves, or stays, only because a reviewer read it"


def table_faults(view: ReleaseView) -> Iterator[Fault]:
    """Check that tables and columns of the release are exactly those of the datasets."""
    seen: Counter[str] = Counter()
    for index, table in enumerate(view.release.tables):
        keys: tuple[Key, ...] = ("tables", index)
        seen[table.table] += 1
        if seen[table.table] > 1:
            what = f"two tables of the release are called '{table.table}'"
            yield Fault("duplicate-table", what, "tables are told apart by name", "merge or rename them", keys)
        dataset = view.datasets.get(table.dataset)
        if dataset is None:
            if not view.library.is_broken(PolicyKind.DATASET, table.dataset):
                what = f"there is no dataset '{table.dataset}'"
                fix = f"{_near(table.dataset, view.library.datasets)}write datasets/{table.dataset}.yaml"
                yield Fault("unknown-dataset", what, "a release draws on datasets", fix, (*keys, "dataset"))
            continue
        yield from _table(table, dataset, keys)
    yield from _names(view)
    yield from _details(view)
    for problem in identifiers_stay_inside(view):
        why = "what identifies a person leaves in no form; given rows carry pseudonyms (data minimization)"
        yield Fault("identifier-leaves", problem.what, why, problem.fix, problem.keys)


def _table(table: ReleaseTable, dataset: DatasetPolicy, keys: tuple[Key, ...]) -> Iterator[Fault]:
    source = dataset.table(table.table)
    if source is None:
        what = f"dataset '{dataset.id}' has no table '{table.table}'"
        fix = _near(table.table, [each.name for each in dataset.tables]) + "correct the name"
        yield Fault("unknown-table", what, "a release draws on declared tables", fix, (*keys, "table"))
        return
    if source.kind is TableKind.REGISTER:
        what = f"'{table.table}' is a consent register"
        yield Fault("register-leaves", what, "who refused is nobody's data", "remove the table", (*keys, "table"))
    yield from _columns(table, source, keys)


_HINTS = 20
"""How many names of a table are compared with all others: each costs as much as the table is wide."""


def _columns(table: ReleaseTable, source: TablePolicy, keys: tuple[Key, ...]) -> Iterator[Fault]:
    known = dict.fromkeys(column.name for column in source.columns)
    written: set[str] = set()
    hints = _HINTS
    for index, column in enumerate(table.columns):
        place: tuple[Key, ...] = (*keys, "columns", index)
        if column.name not in known:
            what = f"'{column.name}' is not a column of '{table.dataset}.{table.table}'"
            hints -= 1
            fix = (_near(column.name, known) if hints >= 0 else "") + "remove it, or add it to the dataset policy"
            yield Fault("unknown-column", what, "a policy names no column that is not there", fix, (*place, "name"))
        if column.name in written:
            what = f"column '{column.name}' is listed twice"
            yield Fault("duplicate-column", what, "a column has one fate in a release", "keep one", place)
        written.add(column.name)
    for name in known:
        if name not in written:
            what = f"column '{name}' of '{table.dataset}.{table.table}' is not listed"
            fix = f"add `- {{name: {name}, treat: {{op: drop_column}}, rule: …}}`"
            yield Fault("column-not-listed", what, _WHY_LISTED, fix, (*keys, "columns"))


def _names(view: ReleaseView) -> Iterator[Fault]:
    """Check that no two columns leave under one name, in one table or in the record that person tables join."""
    method = view.release.method
    record = method.record if isinstance(method, Microdata) else None
    leaving = [
        (record if record and fate.source_table.kind is TableKind.PERSON else fate.table.table, fate)
        for fate in view.fates
        if fate.leaves
    ]
    names = Counter((table, fate.column.output_name) for table, fate in leaving)
    for table, fate in leaving:
        if names[table, fate.column.output_name] > 1:
            what = f"two columns of '{table}' leave as '{fate.column.output_name}'"
            yield Fault("duplicate-output-name", what, "a column has one name", "rename one with `as`", fate.keys)


def _details(view: ReleaseView) -> Iterator[Fault]:
    """Check that every other table of a microdata release hangs on its record table."""
    method = view.release.method
    if not isinstance(method, Microdata):
        return
    for index, table in enumerate(view.release.tables):
        source = view.source_table(table.table)
        is_detail = table.table != method.record and source is not None and source.kind is not TableKind.PERSON
        if source is not None and is_detail:
            keys = source.with_role(ColumnRole.FOREIGN_KEY)
            is_of_person = record_is_person(view) and source.person_key is not None
            if not is_of_person and not any(is_reference_to_record(view, key.references) for key in keys):
                what = f"table '{table.table}' names no key of the record table '{method.record}'"
                why = "what is not tied to a record is not covered by its privacy model"
                fix = "give its key `role: foreign_key` and `references`, or take the table out"
                yield Fault("table-not-connected", what, why, fix, ("tables", index, "table"))


def dataset_faults(dataset: DatasetPolicy) -> Iterator[Fault]:
    """Check that a dataset policy is whole: names, keys, references, register."""
    names = Counter(table.name for table in dataset.tables)
    for index, table in enumerate(dataset.tables):
        keys: tuple[Key, ...] = ("tables", index)
        if names[table.name] > 1:
            what = f"two tables are called '{table.name}'"
            yield Fault("duplicate-table", what, "a name names one table", "rename one", (*keys, "name"))
        yield from _source_columns(dataset, table, keys)
        yield from _person_key(dataset, table, keys)
    yield from _register(dataset)


def _source_columns(dataset: DatasetPolicy, table: TablePolicy, keys: tuple[Key, ...]) -> Iterator[Fault]:
    names = Counter(column.name for column in table.columns)
    for index, column in enumerate(table.columns):
        place: tuple[Key, ...] = (*keys, "columns", index)
        if names[column.name] > 1 or column.name in table.ignored_columns:
            what = f"column '{column.name}' of '{table.name}' is listed twice"
            yield Fault("duplicate-column", what, "a column has exactly one role", "keep one", (*place, "name"))
        if column.references is not None and not _refers(dataset, column.references):
            what = f"'{table.name}.{column.name}' refers to a column that is not there"
            fix = "write `references: table.column` of this dataset"
            yield Fault("unknown-reference", what, "joins follow references", fix, (*place, "references"))
        elif column.references is not None and _comes_back(dataset, f"{table.name}.{column.name}"):
            what = f"the references of '{table.name}.{column.name}' lead in a circle"
            fix = "let the key of one table refer to nothing"
            yield Fault("circular-reference", what, "joins follow references to their end", fix, (*place, "references"))
        if (ColumnClass.QUASI_IDENTIFIER in column.classes) and ColumnClass.ORDINARY in column.classes:
            what = f"'{table.name}.{column.name}' is both quasi-identifier and ordinary"
            yield Fault("contradicting-class", what, "ordinary means: nothing else", "remove one", (*place, "class"))
        if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
            what = f"'{table.name}.{column.name}' has a minimum above its maximum"
            yield Fault("contradicting-range", what, "no value would pass", "correct the range", (*place, "minimum"))


def _refers(dataset: DatasetPolicy, reference: str) -> bool:
    table_name, _, column = reference.partition(".")
    table = dataset.table(table_name)
    return table is not None and table.column(column) is not None


def _comes_back(dataset: DatasetPolicy, start: str) -> bool:
    """Return whether references that begin at `table.column` pass through it again."""
    seen: set[str] = set()
    name = start
    while name not in seen:
        seen.add(name)
        table, _, key = name.partition(".")
        policy = dataset.table(table)
        column = policy.column(key) if policy else None
        if column is None or column.references is None:
            return False
        name = column.references
    return name == start


def _person_key(dataset: DatasetPolicy, table: TablePolicy, keys: tuple[Key, ...]) -> Iterator[Fault]:
    count = sum(column.role.value == "person_key" for column in table.columns)
    why = "people are counted, not rows, and consent is a person's"
    if table.kind in {TableKind.PERSON, TableKind.EVENT, TableKind.REGISTER} and count != 1:
        what = f"table '{table.name}' has {count} columns with the role person_key"
        yield Fault("person-key", what, why, "give exactly one column `role: person_key`", (*keys, "columns"))
    if table.kind is TableKind.REFERENCE and count:
        what = f"table '{table.name}' names people and is called a reference table"
        yield Fault("person-key", what, why, "call it a person or event table", (*keys, "kind"))
    if table.kind is TableKind.GENOTYPE:
        samples = dataset.table(table.samples) if table.samples else None
        roles = {column.role.value for column in samples.columns} if samples else set()
        if not {"person_key", "sample_key"} <= roles:
            what = f"genotype table '{table.name}' names no table with both sample_key and person_key"
            yield Fault("samples-table", what, why, "write `samples:` with the name of that table", keys)


def _register(dataset: DatasetPolicy) -> Iterator[Fault]:
    register = dataset.consent.register_
    if register is None:
        return
    keys: tuple[Key, ...] = ("consent", "register")
    table = dataset.table(register.table)
    if table is None or table.kind is not TableKind.REGISTER:
        what = f"'{register.table}' is not a register table of this dataset"
        yield Fault("register", what, "consent is joined from it", "name a table of kind register", (*keys, "table"))
        return
    for field in ("decision", "decided_on"):
        name = str(getattr(register, field))
        if table.column(name) is None:
            what = f"the register has no column '{name}'"
            fix = _near(name, [column.name for column in table.columns]) + "correct the name"
            yield Fault("register", what, "consent is joined from it", fix, (*keys, field))
    codes = [*register.consented, *register.refused, *register.withdrawn]
    if not codes or len(set(codes)) != len(codes):
        what = "the decision codes are empty or overlap"
        yield Fault("register", what, "an unknown or double code decides nothing", "list each code once", keys)


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{near[0]}'? " if near else ""
