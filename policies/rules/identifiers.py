"""Rules on what identifies: codes, genomes, names, linkage keys (APPI-01, 04, 17, 21, 22, 23)."""

from collections.abc import Iterator

from policies.model.method import Microdata
from policies.rules.view import ANONYMIZED, PSEUDONYMIZED, Fate, Parameters, Problem, ReleaseView
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType, IdentificationCode, OutputCategory, TableKind

_DROP = "write `treat: {op: drop_column}`"
_GENOMES = frozenset(code for code in IdentificationCode if code.value.startswith("genome_"))


def genome_rows_stay(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-01: no genotype row leaves in anything that is said to be anonymized or pseudonymized.

    A panel under both legal limits might; whether it is under them is a question to the data, so the policy is refused.
    """
    if view.category not in ANONYMIZED | PSEUDONYMIZED:
        return
    for fate in view.fates:
        is_genome = fate.source.code in _GENOMES or fate.source.role is ColumnRole.GENOTYPE
        if is_genome and fate.leaves:
            what = f"{fate.name} holds genome data and leaves as {view.category.en} (個人識別符号(ゲノム)が残存)"
            yield Problem(what, "drop it, or release allele frequencies as statistics", fate.keys)


def my_number_is_rejected(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-04: a column of My Numbers is refused when it lands, whatever is released."""
    for fate in view.fates:
        if fate.source.code is IdentificationCode.MY_NUMBER and fate.operations != ("reject_at_landing",):
            what = f"{fate.name} holds My Numbers and is not rejected at landing"
            yield Problem(what, "write `treat: {op: reject_at_landing}`", fate.keys)


def pseudonymized_is_stripped(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-17: pseudonymized information holds no identifying description, no code, nothing that costs money."""
    if view.category not in PSEUDONYMIZED:
        return
    for fate in view.fates:
        if fate.leaves and _identifies(fate, ColumnClass.IDENTIFICATION_CODE, ColumnClass.PROPERTY_DAMAGE):
            yield Problem(f"{fate.name} ({_class(fate)}) leaves in pseudonymized information", _DROP, fate.keys)


def descriptions_are_removed(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-21: names, contacts, full addresses, exact dates of birth and free text do not leave.

    A description that is also a quasi-identifier (an address) may leave when it is coarsened.
    """
    if view.category not in ANONYMIZED:
        return
    for fate in view.fates:
        if not fate.leaves:
            continue
        if _identifies(fate, ColumnClass.PROPERTY_DAMAGE):
            yield Problem(f"{fate.name} ({_class(fate)}) leaves in {view.category.en}", _DROP, fate.keys)
        elif _is_exact_date(fate):
            what = f"{fate.name} is a quasi-identifier and leaves as an exact date"
            yield Problem(what, "use to_age, truncate_date or generalize", fate.keys)


def codes_are_removed(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-22: all individual identification codes are removed from anonymized information and from statistics.

    Genome rows of anonymized information are refused by APPI-01.
    """
    if view.category not in ANONYMIZED | {OutputCategory.STATISTICS, OutputCategory.SYNTHETIC}:
        return
    for fate in view.fates:
        is_other_rule = fate.source.code is IdentificationCode.MY_NUMBER and fate.operations == ("reject_at_landing",)
        if fate.has(ColumnClass.IDENTIFICATION_CODE) and fate.leaves and not is_other_rule:
            code = fate.source.code.en if fate.source.code else "code"
            what = f"{fate.name} holds an individual identification code ({code}) and leaves"
            yield Problem(what, f"{_DROP}, or aggregate_only in statistics", fate.keys)


def linkage_is_cut(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-23: codes that link source and output are removed, or replaced so that they cannot link.

    Anonymized information takes random ids of the release, whose map is never stored, and only for its records: an id
    of a person would tie the records of one person together. Pseudonymized and personal data take keyed pseudonyms at
    least. Statistics have no keys.
    """
    for fate in view.fates:
        if not fate.is_key or not fate.leaves:
            continue
        if view.category in {OutputCategory.STATISTICS, OutputCategory.SYNTHETIC}:
            yield Problem(f"the key {fate.name} leaves in statistics", _DROP, fate.keys)
        elif "pseudonymize" not in fate.operations:
            yield Problem(f"the key {fate.name} leaves as it is (連結符号)", "drop or pseudonymize it", fate.keys)
        elif view.category in ANONYMIZED and not _is_release_random(fate):
            fix = "write `{op: pseudonymize, method: random, scope: release}`"
            yield Problem(f"the key {fate.name} stays linkable across releases", fix, fate.keys)
        elif view.category in ANONYMIZED and not _names_a_record(view, fate):
            what = f"the key {fate.name} would link the records of one person"
            yield Problem(what, f"{_DROP}; only the record's own key may leave", fate.keys)


def _names_a_record(view: ReleaseView, fate: Fate) -> bool:
    """Return whether the key is the record table's own, or a detail's reference to it."""
    method = view.release.method
    if not isinstance(method, Microdata):
        return True
    if record_is_person(view):
        return fate.source.role is ColumnRole.PERSON_KEY
    if fate.table.table == method.record:
        return fate.source.role is ColumnRole.RECORD_KEY
    return fate.source.role is ColumnRole.FOREIGN_KEY and is_reference_to_record(view, fate.source.references)


def record_is_person(view: ReleaseView) -> bool:
    """Return whether a record of a microdata release is a person, whose key ties the details to it."""
    method = view.release.method
    source = view.source_table(method.record) if isinstance(method, Microdata) else None
    return source is not None and source.kind is TableKind.PERSON


def is_reference_to_record(view: ReleaseView, reference: str | None) -> bool:
    """Return whether `table.column` is the record key of the record table of a microdata release."""
    method = view.release.method
    table, _, column = (reference or "").partition(".")
    source = view.source_table(table)
    named = source.column(column) if source else None
    is_record = isinstance(method, Microdata) and table == method.record
    return is_record and named is not None and named.role is ColumnRole.RECORD_KEY


def identifiers_stay_inside(view: ReleaseView) -> Iterator[Problem]:
    """Refuse identifiers in controlled rows and synthetic data, where no article of the anonymized kinds speaks.

    Rows that a person consented to share are still given without names, numbers and free text; genomes may be given.
    """
    if view.category in ANONYMIZED | PSEUDONYMIZED:
        return
    for fate in view.fates:
        is_code = fate.has(ColumnClass.IDENTIFICATION_CODE) and fate.source.code not in _GENOMES
        if fate.leaves and (is_code or _identifies(fate)):
            yield Problem(f"{fate.name} ({_class(fate)}) leaves", _DROP, fate.keys)


def _identifies(fate: Fate, *more: ColumnClass) -> bool:
    """Return whether a column identifies as it leaves, by class or by role."""
    if fate.has(ColumnClass.FREE_TEXT, *more) or fate.source.role is ColumnRole.FREE_TEXT:
        return True
    is_direct = fate.has(ColumnClass.DIRECT_IDENTIFIER) or fate.source.role is ColumnRole.IDENTIFIER
    is_coarse = fate.has(ColumnClass.QUASI_IDENTIFIER) and fate.is_coarsened_for_sure
    is_replaced = fate.is_key and "pseudonymize" in fate.operations
    return is_direct and not is_coarse and not is_replaced


def _is_exact_date(fate: Fate) -> bool:
    is_date = fate.source.type in {ColumnType.DATE, ColumnType.TIMESTAMP}
    is_quasi = fate.has(ColumnClass.QUASI_IDENTIFIER) or fate.source.role is ColumnRole.QUASI_IDENTIFIER
    return is_date and is_quasi and not fate.is_coarsened


def _is_release_random(fate: Fate) -> bool:
    steps = [step for step in fate.column.treat if step.op == "pseudonymize"]
    return all(step.method == "random" and step.scope == "release" for step in steps)


def _class(fate: Fate) -> str:
    return ", ".join(each.en for each in fate.source.classes)
