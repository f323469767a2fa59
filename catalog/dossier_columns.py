"""The columns of a dossier: what each is by law, what became of it for which rule, and how the scanner judged it."""

from collections.abc import Iterator, Mapping, Sequence

from anonymization.evidence import CheckResult
from catalog import dossier as form
from catalog.wording import treatment_sentence
from policies.library import PolicyLibrary
from policies.model import Column, ReleaseColumn, ReleasePolicy
from policies.model.scan import IdentifierKind
from policies.model.strictness import Text
from policies.model.treatment import AggregateOnly
from policies.sentences import Language, say


def column_entries(
    release: ReleasePolicy, library: PolicyLibrary, checks: Sequence[tuple[str, CheckResult]]
) -> Iterator[form.ColumnEntry]:
    """Yield each column of the sources that the release speaks of, in the order of the policy."""
    for table in release.tables:
        policy = library.dataset(table.dataset).table(table.table)
        for entry in table.columns:
            column = policy.column(entry.name) if policy else None
            if column is not None:
                made = _column(table.dataset, table.table, entry, column, _scan(checks, table.table, column))
                yield made.model_copy(update={"table_title": policy.title if policy else None})


def _column(dataset: str, table: str, entry: ReleaseColumn, column: Column, scan: Text) -> form.ColumnEntry:
    return form.ColumnEntry(
        dataset=dataset,
        table=table,
        name=entry.name,
        label=Text(ja=column.ja, en=column.en or column.name.replace("_", " ")),
        classes=tuple(form.Term.of(each) for each in column.classes),
        role=form.Term.of(column.role),
        leaves=entry.leaves,
        output_name=entry.output_name,
        treatment=treatment_sentence(entry.treat),
        rule=entry.rule,
        scan=scan,
        is_counted=not entry.leaves and any(isinstance(step, AggregateOnly) for step in entry.treat),
    )


def _scan(left: Sequence[tuple[str, CheckResult]], table: str, column: Column) -> Text:
    """Say what the scanner found in a column: kinds of identifier with its verdict, or that it found none."""
    checks = [check for stage, check in left if stage == "classified"]
    if not any(check.name.startswith(f"identifiers:{table}:") for check in checks):
        return Text(ja="走査の記録なし", en="no record of a scan")
    prefix = f"identifiers:{table}.{column.name}:"
    hits = [
        (_kind(check.name.removeprefix(prefix)), str(check.measured.get("verdict", "")), check.passed)
        for check in checks
        if check.name.startswith(prefix)
    ]
    told: dict[Text, list[Text]] = {}
    for kind, verdict, passed in hits:
        if verdict in _SCAN or not passed:
            told.setdefault(_SCAN.get(verdict, _OPEN), []).append(kind)
    if not told:
        return Text(ja="識別子なし", en="no identifier")
    return Text(
        ja="。".join(f"{said.ja}: {'、'.join(_few(kinds, 'ja'))}" for said, kinds in told.items()),
        en="; ".join(f"{said.en}: {', '.join(_few(kinds, 'en'))}" for said, kinds in told.items()),
    )


_MOST_KINDS = 4
"""How many kinds of identifier a column names; free text may hold them all, and the list of checks tells each."""


def _few(kinds: Sequence[Text], language: Language) -> Iterator[str]:
    yield from (say((kind.ja, kind.en), language) for kind in kinds[:_MOST_KINDS])
    if len(kinds) > _MOST_KINDS:
        more = len(kinds) - _MOST_KINDS
        yield say((f"ほか {more} 種", f"{more} more kinds"), language)


_OPEN = Text(ja="判断待ち", en="a person must decide")
_SCAN: Mapping[str, Text] = {
    "declared": Text(ja="申告済み", en="declared"),
    "accepted": Text(ja="誤検知と確認済み", en="accepted as a false alarm"),
    "hold": _OPEN,
    "block": Text(ja="申告なし", en="not declared"),
}
"""The scanner's verdicts that say something of a column; a hit that chance explains says nothing."""


def _kind(value: str) -> Text:
    kind = {one.value: one for one in IdentifierKind}.get(value)
    return Text(ja=kind.ja, en=kind.en) if kind else Text(ja=value, en=value)
