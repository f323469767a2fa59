"""What a dry run says of a release: its figures in both languages, what would stop it, and what is published now.

Pure functions over evidence and plans. Not here: computing them (`dry_run.py`), printing (`cli/policy/dry_run.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.dp.plan import micro_text
from anonymization.evidence import CheckResult, Evidence
from pipelines.private_plan import PrivatePlan, errors_95
from policies.findings import Finding
from policies.model import ReleasePolicy
from policies.model.strictness import Text
from policies.model.treatment import RollUpRare


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: `value` for machines (None where there is none or it is hidden), `shown` for people."""

    key: str
    label: Text
    value: object
    shown: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that would stop the release, by the rule or code that stops it."""

    rule: str
    where: str
    what: str
    fix: str

    def as_json(self) -> dict[str, str]:
        """Return the obstacle as plain JSON values."""
        return {"rule": self.rule, "where": self.where, "what": self.what, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would result from a release policy as it stands; nothing of it was written.

    `published` holds the same figures of the version that is published now, `rehearsed` by dataset the stage whose
    stored rows were used (`landing` where there were none), `checks` every check that was made.
    """

    release: str
    version: str
    method: str
    figures: tuple[Figure, ...]
    published: tuple[Figure, ...]
    published_version: str | None
    obstacles: tuple[Obstacle, ...]
    findings: tuple[Finding, ...] = ()
    checks: tuple[CheckResult, ...] = field(default=(), repr=False)
    rehearsed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether nothing would stop the release."""
        return not self.obstacles

    def as_json(self) -> dict[str, object]:
        """Return the whole as plain JSON values; counts are those that a steward may see."""
        before = {figure.key: figure.value for figure in self.published}
        return {
            "release": self.release,
            "version": self.version,
            "method": self.method,
            "ok": self.is_ok,
            **{figure.key: figure.value for figure in self.figures},
            "published": {"version": self.published_version, **before} if self.published_version else None,
            "would_fail": [obstacle.as_json() for obstacle in self.obstacles],
            "findings": [finding.as_json() for finding in self.findings],
            "checks": {"made": len(self.checks), "failed": sum(not check.passed for check in self.checks)},
            "computed_from": dict(self.rehearsed),
            "written": False,
        }


def figures_of(evidence: Evidence) -> tuple[Figure, ...]:
    """Return what evidence says of a release, counts through the disclosure gate of the steward's room."""
    return tuple(_figures(evidence))


def plan_figures(plan: PrivatePlan, *, spent_micro: int, cap_micro: int, is_answered: bool) -> tuple[Figure, ...]:
    """Return what a differentially private release would be worth and cost; nothing is charged or drawn.

    Args:
        plan: The plan, made from the policy alone.
        spent_micro: What the population has spent.
        cap_micro: The population's cap.
        is_answered: The very question was answered before on these data: its stored answer stands, and costs nothing.
    """
    cost = 0 if is_answered else plan.charge_micro
    left = cap_micro - spent_micro
    return (
        _errors(errors_95(plan)),
        _epsilon(plan.epsilon, float(plan.delta)),
        _text("rho", *_RHO, micro_text(cost)),
        _text("rho_left_before", "残りの予算 ρ(現在)", "Budget left now (rho)", micro_text(max(left, 0))),
        _text(
            "rho_left_after", "残りの予算 ρ(実施後)", "Budget left afterwards (rho)", micro_text(max(left - cost, 0))
        ),
        _flag("answered_before", "回答済みか", "Answered before", is_answered),
    )


def rare_figures(release: ReleasePolicy, tables: Mapping[str, pa.Table]) -> tuple[Figure, ...]:
    """Return what became of rare values: the values that are left of each column that rolls them up, and empty cells."""
    found: dict[str, dict[str, int | None]] = {}
    shown = []
    rolled = {
        column.output_name
        for entry in release.tables
        for column in entry.columns
        if column.leaves and any(isinstance(step, RollUpRare) for step in column.treat)
    }
    for name, table in tables.items():
        for column in sorted(rolled & set(table.column_names)):
            values = len(table.column(column).unique().drop_null())
            empty = disclose_count(table.column(column).null_count, room=Room.STEWARD)
            found[f"{name}.{column}"] = {"values": values, "empty": empty.value}
            shown.append(f"{name}.{column} {values:,} ({empty.text})")
    if not found:
        return ()
    label = Text(ja="まれな値をまとめた後の値の種類(空欄)", en="Values left after rolling up rare ones (empty cells)")
    return (Figure("rare", label, found, ", ".join(shown)),)


def obstacles_of(checks: Sequence[CheckResult]) -> tuple[Obstacle, ...]:
    """Return the blocking checks that did not pass."""
    return tuple(
        Obstacle(check.rule or check.name, check.name, check.what, "change the data or the policy; checks stay on")
        for check in checks
        if check.blocking and not check.passed
    )


def _figures(evidence: Evidence) -> Iterator[Figure]:
    measured: Mapping[str, Any] = evidence.measured
    yield from _people_and_records(evidence)
    if evidence.method in {"dp_statistics", "dp_synthetic"}:
        queries: Sequence[Mapping[str, Any]] = evidence.parameters["queries"]  # type: ignore[assignment]  # as written
        yield _errors({query["name"]: query["error_95"] for query in queries})
        yield _epsilon(evidence.epsilon, evidence.delta)
        yield _text("rho", *_RHO, str(evidence.rho))
    if evidence.method == "microdata":
        yield from _privacy(evidence, measured)
    for key, ja, en in _COUNTS:
        if measured.get(key) is not None:
            yield _number(key, ja, en, int(measured[key]))
    for key, ja, en in _RATIOS:
        if measured.get(key) is not None:
            yield _ratio(key, ja, en, float(measured[key]))
    if evidence.loss is not None:
        yield _ratio("loss", "情報損失(0〜1)", "Loss of information (0 to 1)", evidence.loss)


_COUNTS = (
    ("hidden_cells", "秘匿するセル", "Hidden cells"),
    ("hidden_primary", "うち小さい値", "of these, small numbers"),
    ("hidden_complementary", "うち逆算防止", "of these, against derivation"),
    ("hidden_margins", "秘匿する合計", "Hidden margins"),
    ("alleles_below_floor", "下限未満のアレル", "Alleles below the floor"),
    ("alleles_thinned_out", "間引くアレル", "Alleles thinned out"),
    ("max_sites", "公開できるサイトの上限", "Sites that may be published"),
)
_ROWS = {"small_cells": ("セル", "Cells"), "allele_frequencies": ("アレル", "Alleles")}
"""What the rows of a release are, where they are not records."""
_RHO = ("消費する予算 ρ", "Budget it takes (rho)")
_RATIOS = (
    ("power_bound", "メンバーシップ推論の検出力(上界)", "Power of membership inference (bound)"),
    ("max_power", "検出力の上限", "Power that is tolerated"),
)


def _people_and_records(evidence: Evidence) -> Iterator[Figure]:
    rows = _ROWS.get(evidence.method, ("レコード", "Records"))
    pairs = (
        ("people", "人", "People", evidence.people_in, evidence.people_out),
        ("records", *rows, evidence.records_in, evidence.records_out),
    )
    for key, ja, en, before, after in pairs:
        if before is not None:
            yield _count(f"{key}_in", f"{ja}(元データ)", f"{en} in", before)
        if after is not None:
            yield _count(f"{key}_out", f"{ja}(公開)", f"{en} kept", after)
        if before is not None and after is not None:
            yield _count(f"{key}_suppressed", f"{ja}(除外)", f"{en} suppressed", before - after)
            yield _ratio(
                f"{key}_suppressed_ratio", f"{ja}の除外率", f"{en} suppressed, share", 1 - after / (before or 1)
            )


def _privacy(evidence: Evidence, measured: Mapping[str, Any]) -> Iterator[Figure]:
    risk: Mapping[str, Any] = measured["risk_after"]
    yield _number("k", "到達したk(人)", "k reached (people)", evidence.k)
    if risk["l"] is not None:
        yield _number("l", "到達したl", "l reached", risk["l"])
        yield _ratio("t", "t(分布の差)", "t (distance of distributions)", risk["t"])
    yield _ratio("risk_prosecutor_max", "検察官リスク(最大)", "Prosecutor's risk, highest", risk["prosecutor"]["max"])
    yield _ratio("risk_prosecutor_mean", "検察官リスク(平均)", "Prosecutor's risk, mean", risk["prosecutor"]["mean"])
    journalist = risk["journalist"]["max"]
    yield _ratio("risk_journalist_max", "ジャーナリストリスク(上界)", "Journalist's risk, upper bound", journalist)
    yield _ratio("risk_marketer", "マーケターリスク", "Marketer's risk", risk["marketer"])
    node = dict(measured["node"])
    shown = ", ".join(f"{column} {level}" for column, level in node.items())
    yield Figure("node", Text(ja="一般化の段階", en="Levels of generalization"), node, shown)
    yield _number("classes", "同値類", "Classes", int(measured["classes"]))


def _errors(errors: Mapping[str, float]) -> Figure:
    label = Text(ja="95%の場合の誤差(問合せごと)", en="Error in 95 of 100 cases, by query")
    return Figure("error_95", label, dict(errors), ", ".join(f"{name} ±{error:,.4g}" for name, error in errors.items()))


def _epsilon(epsilon: float | None, delta: float | None) -> Figure:
    return _number("epsilon", f"ε(δ={delta:g})", f"Epsilon at delta {delta:g}", epsilon)


def _count(key: str, ja: str, en: str, count: int) -> Figure:
    shown = disclose_count(count, room=Room.STEWARD)
    return Figure(key, Text(ja=ja, en=en), shown.value, shown.text)


def _ratio(key: str, ja: str, en: str, ratio: float) -> Figure:
    return Figure(key, Text(ja=ja, en=en), ratio, f"{ratio:.4f}")


def _number(key: str, ja: str, en: str, number: object) -> Figure:
    return Figure(key, Text(ja=ja, en=en), number, "-" if number is None else f"{number:,.6g}")


def _flag(key: str, ja: str, en: str, is_so: bool) -> Figure:
    return Figure(key, Text(ja=ja, en=en), is_so, "はい / yes" if is_so else "いいえ / no")


def _text(key: str, ja: str, en: str, text: str) -> Figure:
    return Figure(key, Text(ja=ja, en=en), text, text)
