"""The answer to each rule for one release: kept or not, how that is known, and where it can be looked up.

Belongs here: turning findings, stage checks and decision cases into one answer a rule. Does not: finding anything
(`check`), gathering what the stages left (pipelines), showing answers (the dossier).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from policies.applies import applies, packs_of
from policies.canonical import foundations
from policies.check_titles import title_of_check
from policies.decision.rules import REQUEST_CHECKS
from policies.findings import Finding
from policies.library import PolicyKind, PolicyLibrary
from policies.model import DatasetPolicy, ReleasePolicy, Rule, RulePack
from policies.model.strictness import Text
from policies.places import Key
from policies.rules import DATASET_CHECKS, RELEASE_CHECKS
from policies.rules.conditions import is_in_force
from policies.sentences import Language, say
from policies.vocabulary import Labelled, Severity

AT_EACH: Mapping[str, Text] = {
    "requested": Text(ja="利用申請", en="request"),
    "extracted": Text(ja="抽出データの提供", en="extract"),
}
"""Stages that come again after publication; what they check is asked each time, not once."""


STAGE_NAMES: Mapping[str, Text] = {
    "raw": Text(ja="受入れ", en="landing"),
    "classified": Text(ja="分類", en="classification"),
    "consented": Text(ja="同意反映", en="consent"),
    "pseudonymized": Text(ja="仮名化", en="pseudonymization"),
    "protected": Text(ja="保護", en="protection"),
    "validated": Text(ja="検証", en="validation"),
    "published": Text(ja="公開", en="publication"),
    "extracted": Text(ja="抽出", en="extraction"),
    "requested": Text(ja="利用申請", en="request"),
}
"""What the stages are called in a sentence."""
METHOD_NAMES: Mapping[str, Text] = {
    "microdata": Text(ja="k-匿名化した行データ", en="anonymized rows"),
    "dp_statistics": Text(ja="差分プライバシー統計", en="differentially private statistics"),
    "dp_synthetic": Text(ja="差分プライバシーの合成データ", en="differentially private synthetic data"),
    "small_cells": Text(ja="少数セル秘匿の集計表", en="count table with small cells hidden"),
    "allele_frequencies": Text(ja="アレル頻度表", en="allele frequencies"),
    "controlled_rows": Text(ja="仮名化した行データ", en="pseudonymized rows under a permit"),
}

MOST_FIGURES = 3
"""How many counts of a check an answer quotes; the dossier's list of checks has them all."""


class Verdict(Labelled):
    """What is said of a rule; only the first, the fourth and the fifth leave nothing open."""

    KEPT = "kept", "遵守", "kept"
    BROKEN = "broken", "違反", "not kept"
    HELD = "held", "判断待ち", "a person must decide"
    ACCEPTED = "accepted", "責任者が了承", "accepted by name"
    NOT_APPLICABLE = "not_applicable", "対象外", "does not apply"
    UNANSWERED = "unanswered", "未確認", "not answered"


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """One check that a stage left for a rule; `measured` holds texts that may be shown to anybody.

    `title` says as a clause what the check confirms, `found` what it counted, in words; without them the names are quoted.
    """

    stage: str
    check: str
    passed: bool
    measured: Mapping[str, str] = field(default_factory=dict)
    title: Text | None = None
    found: Text | None = None

    @property
    def where(self) -> str:
        """The name under which the dossier lists the check."""
        return f"{self.stage}/{self.check}"


@dataclass(frozen=True, slots=True)
class CaseCount:
    """How many decision cases of a release are decided as their folder says, and how many are not."""

    right: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Signed:
    """Who stands behind the policy files: `roles` that signed them, and by rule who accepted its HOLD.

    `accepted` says for a rule who it was, by role and signer's id.
    """

    roles: tuple[Text, ...] = ()
    accepted: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What is said of one rule of one release; `clause` and `pack` are the rule as it is written."""

    clause: Rule
    pack: RulePack
    verdict: Verdict
    how: Text
    where: str

    @property
    def rule(self) -> str:
        """The id of the rule."""
        return self.clause.id

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.verdict in {Verdict.BROKEN, Verdict.HELD, Verdict.UNANSWERED}

    @property
    def stops(self) -> bool:
        """Whether the release may not be published for it."""
        is_unsaid = self.verdict in {Verdict.BROKEN, Verdict.UNANSWERED}
        return is_unsaid and self.clause.severity is Severity.BLOCK


def answer(
    library: PolicyLibrary,
    release: str,
    *,
    on: date,
    findings: Sequence[Finding],
    checks: Mapping[str, Sequence[StageAnswer]],
    cases: CaseCount | None = None,
    signed: Signed | None = None,
) -> tuple[RuleAnswer, ...]:
    """Answer every rule of the packs that a release lists, in the order of the packs.

    Args:
        library: The policies.
        release: The id of the release.
        on: The day; a pack that is not in force on it answers nothing.
        findings: What `check` found on that day, of the whole library.
        checks: By rule id, what the stages of the run left.
        cases: The decision cases of the release (rules of stage `requested`); while one is wrong, such a rule is held.
        signed: Who signed, and what was accepted by name.

    Raises:
        PolicyError: `policy.unknown-release`.

    Guarantee: a rule is `kept` only if its check ran on the policy files and found nothing, or every stage that the
    rule names left a check that passed; a rule that nobody checked is `unanswered`, never left out.
    Not guaranteed: that what the policy states of the world outside (a contract, a notice) is true; it is signed.
    """
    policy = library.release(release)
    datasets = {name: library.datasets[name] for name in policy.datasets if name in library.datasets}
    asked = _Asked(
        library,
        policy,
        datasets,
        _of_release(library, policy, findings),
        checks,
        cases or CaseCount(),
        signed or Signed(),
    )
    return tuple(
        _answer(asked, rule, pack, is_current=is_in_force(library, pack.id, on=on))
        for pack in packs_of(policy, library)
        for rule in pack.rules
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    library: PolicyLibrary
    release: ReleasePolicy
    datasets: Mapping[str, DatasetPolicy]
    findings: Sequence[Finding]
    checks: Mapping[str, Sequence[StageAnswer]]
    cases: CaseCount
    signed: Signed


def _of_release(library: PolicyLibrary, release: ReleasePolicy, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Keep the findings in the files that the release rests on; one without a file counts for every release."""
    files = {str(library.files[key]) for key in foundations(release) if key in library.files}
    return tuple(finding for finding in findings if not finding.place.file or finding.place.file in files)


def _answer(asked: _Asked, rule: Rule, pack: RulePack, *, is_current: bool) -> RuleAnswer:
    if not applies(rule, asked.release, asked.datasets):
        said = (Verdict.NOT_APPLICABLE, _misfit(asked, rule), _place(asked, PolicyKind.RELEASE, asked.release.id))
    elif not is_current:
        how = Text(
            ja=f"規則集 {pack.id} はこの日に施行されていない", en=f"rule pack {pack.id} is not in force on the day"
        )
        said = (Verdict.UNANSWERED, how, f"rulepacks/{pack.id}.yaml")
    elif rule.stage == "policy":
        said = _by_policy(asked, rule)
    elif rule.stage in AT_EACH:
        said = _at_each(asked, rule)
    else:
        said = _by_stages(asked, rule)
    return RuleAnswer(rule, pack, *said)


_Said = tuple[Verdict, Text, str]


def _by_policy(asked: _Asked, rule: Rule) -> _Said:
    found = [finding for finding in asked.findings if finding.rule == rule.id]
    if found:
        return _found(asked, rule, found)
    if rule.check not in {*RELEASE_CHECKS, *DATASET_CHECKS}:
        return Verdict.UNANSWERED, _no_check(rule), "-"
    is_signed, title = bool(asked.signed.roles), title_of_check(rule.check)
    how = Text(
        ja=f"{'署名済みの' if is_signed else ''}ポリシーの記載により、{title.ja}ことを確かめた",
        en=f"Read in the {'signed ' if is_signed else ''}policy files: {title.en}",
    )
    if rule.recounted_at is None and not asked.checks.get(rule.id):
        return Verdict.KEPT, how, _written(asked, rule)
    verdict, shown, where = _by_stages(asked, rule)
    if verdict is not Verdict.KEPT:
        return verdict, shown, where
    return verdict, Text(ja=f"{how.ja}。{shown.ja}", en=f"{how.en}. {shown.en}"), f"{_written(asked, rule)}, {where}"


def _no_check(rule: Rule) -> Text:
    return Text(
        ja=f"この規則の検査 {rule.check} がない。規則集の管理者が、ある検査の名に改める必要がある",
        en=f"there is no check {rule.check}; the keeper of the rule pack must name one that exists",
    )


def _found(asked: _Asked, rule: Rule, found: Sequence[Finding]) -> _Said:
    where = ", ".join(dict.fromkeys(_short(asked, finding) for finding in found))
    count, title = len(found), title_of_check(rule.check)
    if all(finding.severity is Severity.HOLD for finding in found):
        by = asked.signed.accepted.get(rule.id)
        if by is not None:
            how = Text(
                ja=f"「{title.ja}」とは言い切れない点が {count} 件あり、{by.ja} が規則名を挙げて了承し、署名した",
                en=f'"{title.en}" cannot be said of {count} places; {by.en} accepted it by name and signed',
            )
            return Verdict.ACCEPTED, how, where
        how = Text(
            ja=f"「{title.ja}」とは言い切れない点が {count} 件ある。{_DECIDE.ja}",
            en=f'"{title.en}" cannot be said of {count} places; {_DECIDE.en}',
        )
        return Verdict.HELD, how, where
    how = Text(
        ja=f"「{title.ja}」に反する記載が {count} 件ある。ポリシーを改める必要がある",
        en=f'{count} places speak against "{title.en}"; the policy must be changed',
    )
    return Verdict.BROKEN, how, where


_DECIDE = Text(
    ja="コンプライアンス担当が、規則名を挙げて了承し署名するか、起案者がポリシーを改める必要がある",
    en="the compliance officer must accept it by name in a signature, or the author must change the policy",
)
"""Who does what next about something held."""


def _by_stages(asked: _Asked, rule: Rule) -> _Said:
    left = tuple(asked.checks.get(rule.id, ()))
    needed = [stage for stage in (rule.stage, rule.recounted_at) if stage not in {None, "policy"}]
    silent = [str(stage) for stage in dict.fromkeys(needed) if all(one.stage != stage for one in left)]
    failed = [one for one in left if not one.passed]
    if failed:
        return _failed(asked, rule, failed, _first_places(failed))
    if silent:
        how = Text(
            ja=f"{_stages(silent, 'ja')}の段階({', '.join(silent)})が、この規則の検査結果を残していない。その段階を改めて実行する必要がある",
            en=f"stage {', '.join(silent)} left no check of this rule; it must be run again",
        )
        return Verdict.UNANSWERED, how, _first_places(left) or "-"
    shown = Text(
        ja=f"実行時の検査: {'。'.join(_stage_words(left, 'ja'))}",
        en=f"Shown by the run: {'; '.join(_stage_words(left, 'en'))}",
    )
    return Verdict.KEPT, shown, _first_places(left)


def _stage_words(left: Sequence[StageAnswer], language: Language) -> Iterator[str]:
    """Say which checks passed: of each stage the first with its counts, of the others how many; alike stages together."""
    told: dict[str, list[str]] = {}
    for stage in dict.fromkeys(one.stage for one in left):
        mine = [one for one in left if one.stage == stage]
        told.setdefault(_first_of(mine, language), []).append(stage)
    for words, stages in told.items():
        at = _stages(stages, language)
        yield say((f"{at}の段階で、{words}", f"at {at}, {words}"), language)


def _first_of(mine: Sequence[StageAnswer], language: Language) -> str:
    first, more = mine[0], len(mine) - 1
    found = _figures(first, language)
    others = (
        say((f"ほか {more} 件の検査も合格", f"{more} more check{'s' if more > 1 else ''} passed"), language)
        if more
        else ""
    )
    told = say(("。", "; "), language).join(part for part in (found, others) if part)
    beside = say((f"({told})", f" ({told})"), language) if told else ""
    return say((f"{_title(first).ja}ことを確かめた{beside}", f"{_title(first).en}{beside}"), language)


def _title(one: StageAnswer) -> Text:
    return one.title or Text(ja=f"検査 {one.check} に合格した", en=f"the check {one.check} passed")


def _stages(stages: Sequence[str], language: Language) -> str:
    named = [
        say((STAGE_NAMES[stage].ja, STAGE_NAMES[stage].en), language) if stage in STAGE_NAMES else stage
        for stage in stages
    ]
    return say(("・", " and "), language).join(named)


def _first_places(left: Sequence[StageAnswer]) -> str:
    """Name the first check of each stage, and how many more there are."""
    places = []
    for stage in dict.fromkeys(one.stage for one in left):
        names = list(dict.fromkeys(one.where for one in left if one.stage == stage))
        places.append(names[0] + (f" (+{len(names) - 1})" if len(names) > 1 else ""))
    return ", ".join(places)


def _failed(asked: _Asked, rule: Rule, failed: Sequence[StageAnswer], where: str) -> _Said:
    more = len(failed) - 1
    names = Text(
        ja=f"「{_title(failed[0]).ja}」" + (f"ほか {more} 件" if more else ""),
        en=f'"{_title(failed[0]).en}"' + (f" and {more} more" if more else ""),
    )
    if rule.severity is not Severity.HOLD:
        how = Text(
            ja=f"次の検査に合格しなかった: {names.ja}。データ又はポリシーを改め、その段階を改めて実行する必要がある",
            en=f"a check did not pass: {names.en}; data or policy must be changed, and the stage run again",
        )
        return Verdict.BROKEN, how, where
    by = asked.signed.accepted.get(rule.id)
    if by is None:
        how = Text(ja=f"判断を要する点: {names.ja}。{_DECIDE.ja}", en=f"to be decided: {names.en}; {_DECIDE.en}")
        return Verdict.HELD, how, where
    how = Text(
        ja=f"{by.ja} が規則名を挙げて了承し、署名した: {names.ja}",
        en=f"{by.en} accepted it by name and signed: {names.en}",
    )
    return Verdict.ACCEPTED, how, where


def _at_each(asked: _Asked, rule: Rule) -> _Said:
    """A rule about requests or extracts is asked each time; what was left already may still break it."""
    left = [one for one in asked.checks.get(rule.id, ()) if not one.passed]
    if left:
        return _failed(asked, rule, left, _first_places(left))
    if rule.stage == "requested" and rule.check not in REQUEST_CHECKS:
        return Verdict.UNANSWERED, _no_check(rule), "-"
    each, cases, title = AT_EACH[rule.stage], asked.cases, title_of_check(rule.check)
    where = f"{rule.stage}/{rule.check}"
    if rule.stage == "requested" and cases.wrong:
        said = Text(
            ja=f"判定例 {cases.wrong} 件が、置かれたフォルダーと異なる判定になる。起案者が判定例又はポリシーを改める必要がある",
            en=f"{cases.wrong} decision cases are decided otherwise than their folder says; "
            "the author must change the cases or the policy",
        )
        return Verdict.HELD, said, where
    is_request = rule.stage == "requested"
    proved = (
        (f"(判定例 {cases.right} 件が示す)", f" ({cases.right} decision cases show it)") if is_request else ("", "")
    )
    how = Text(
        ja=f"{each.ja}のたびに、{title.ja}ことを確かめ、そうでなければ拒む{proved[0]}",
        en=f"Asked at each {each.en}: {title.en}; what breaks it is refused{proved[1]}",
    )
    return Verdict.KEPT, how, where


def _figures(one: StageAnswer, language: Language) -> str:
    if one.found is not None:
        return say((one.found.ja, one.found.en), language)
    return ", ".join(f"{name} {value}" for name, value in sorted(one.measured.items()))


def _misfit(asked: _Asked, rule: Rule) -> Text:
    """Say which condition of `applies_to` the release does not meet; the first suffices."""
    for ja, en, wanted, met in _conditions(asked, rule):
        if wanted and not set(wanted) & set(met):
            return Text(
                ja=f"{ja}が「{'・'.join(_ja(each) for each in met)}」であり、規則の対象({'・'.join(_ja(each) for each in wanted)})ではない",
                en=f"the {en} is {', '.join(_en(each) for each in met)}; the rule speaks to {', '.join(_en(each) for each in wanted)}",
            )
    return Text(ja="規則の対象ではない", en="the rule does not speak to this release")


def _conditions(asked: _Asked, rule: Rule) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    said, release = rule.applies_to, asked.release
    holders = tuple(dict.fromkeys(one.controller.type for one in asked.datasets.values()))
    yield "出力の区分", "category", said.categories, (release.output_category,)
    yield "保護の方法", "method", said.methods, (release.method.kind,)
    yield "提供の根拠", "basis", said.bases, (release.provision_basis,)
    yield "保有者の種別", "kind of holder", said.controllers, holders
    yield "提供の方法", "way of delivery", said.deliveries, release.delivery


def _ja(term: str) -> str:
    return term.ja if isinstance(term, Labelled) else METHOD_NAMES[term].ja if term in METHOD_NAMES else term


def _en(term: str) -> str:
    return term.en if isinstance(term, Labelled) else METHOD_NAMES[term].en if term in METHOD_NAMES else term


def _written(asked: _Asked, rule: Rule) -> str:
    """Say where the policies speak of a rule: the columns that name it, else the files that its check reads."""
    places = [
        _place(asked, PolicyKind.RELEASE, asked.release.id, "tables", at, "columns", index, "rule")
        for at, table in enumerate(asked.release.tables)
        for index, column in enumerate(table.columns)
        if column.rule == rule.id
    ]
    if places:
        more = f" (+{len(places) - 1})" if len(places) > 1 else ""
        return f"{places[0]}{more}"
    if rule.check in DATASET_CHECKS:
        return ", ".join(_place(asked, PolicyKind.DATASET, name) for name in asked.datasets)
    return _place(asked, PolicyKind.RELEASE, asked.release.id)


def _place(asked: _Asked, kind: PolicyKind, name: str, *keys: Key) -> str:
    file = asked.library.files.get((kind, name))
    if file is None:
        return f"{kind.value}/{name}"
    line = asked.library.place_of(kind, name, *keys).line if keys else 0
    return f"{file.parent.name}/{file.name}" + (f":{line}" if line else "")


def _short(asked: _Asked, finding: Finding) -> str:
    for file in asked.library.files.values():
        if str(file) == finding.place.file:
            return f"{file.parent.name}/{file.name}" + (f":{finding.place.line}" if finding.place.line else "")
    return "-"
