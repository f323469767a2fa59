"""The frontier of a release: what other treatments would protect and cost, so that who signs chooses with open eyes.

Works on drafts and writes nothing, like the dry run. Not here: the alternatives themselves (`anonymization.tradeoff`),
the page (`frontier_page.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from anonymization.disclosure import Room, disclose_count
from anonymization.tables import Pseudonymized
from anonymization.tradeoff.alleles import allele_alternatives, current_alleles, default_alleles
from anonymization.tradeoff.alternative import Alternative, Value, pareto
from anonymization.tradeoff.cells import cell_alternatives, current_cells, default_cells
from anonymization.tradeoff.noise import current_noise, default_noise, noise_alternatives
from anonymization.tradeoff.rows import LEVEL, SEARCHED, current_rows, default_rows, row_alternatives
from pipelines.deployment import Deployment
from pipelines.rehearsal import quiet_engine, rehearse
from policies.errors import PolicyError, UsageError
from policies.model import ReleasePolicy
from policies.model.method import AlleleFrequencies, Method, Microdata, PrivateMethod, SmallCells
from policies.model.strictness import Text

Grid = Mapping[str, Sequence[Value]]

_WHOLE = {"k": 2, "l": 2, "min_cell": 3, "min_allele_count": 1}
"""Parameters that are whole numbers, with the least that a policy may say."""
_SHARES = {"suppression_limit", "membership_max_power", "t"}
_PEOPLE = frozenset({"people_out", "records_out", "records_suppressed"})
"""Figures that count people or their rows, and pass the gate."""

_AXES: Mapping[str, tuple[Text, Text]] = {
    "microdata": (
        Text(ja="レコードの最大リスク(1/k、0〜1)", en="Highest risk of a record (1/k, 0 to 1)"),
        Text(ja="情報損失(0〜1)", en="Loss of information (0 to 1)"),
    ),
    "dp_statistics": (
        Text(ja="プライバシー損失 ε", en="Privacy loss (epsilon)"),
        Text(ja="95%誤差(現在のポリシーを1とする倍率)", en="95 % error (1 = the policy as it stands)"),
    ),
    "dp_synthetic": (
        Text(ja="プライバシー損失 ε", en="Privacy loss (epsilon)"),
        Text(
            ja="測定の95%誤差(現在のポリシーを1とする倍率)",
            en="95 % error of what is measured (1 = the policy as it stands)",
        ),
    ),
    "small_cells": (
        Text(ja="表示される最小の人数の逆数(0〜1)", en="One in the smallest number shown (0 to 1)"),
        Text(ja="秘匿される人数の割合(0〜1)", en="Share of people in hidden cells (0 to 1)"),
    ),
    "allele_frequencies": (
        Text(ja="メンバーシップ推論の検出力の上界(0〜1)", en="Bound on the power of membership inference (0 to 1)"),
        Text(ja="公開しないアレルの割合(0〜1)", en="Share of alleles that stay inside (0 to 1)"),
    ),
}


@dataclass(frozen=True, slots=True)
class Frontier:
    """All alternatives of a release; the first is the policy as it stands. `is_best` marks those no other beats."""

    release: str
    version: str
    title: Text
    method: str
    risk: Text
    cost: Text
    alternatives: tuple[Alternative, ...]
    is_best: tuple[bool, ...]

    def as_json(self) -> dict[str, object]:
        """Return the frontier as plain JSON values; counts are those that a steward may see."""
        return {
            "release": self.release,
            "version": self.version,
            "method": self.method,
            "risk": self.risk.en,
            "cost": self.cost.en,
            "alternatives": [
                {**one.as_json(), "pareto": best} for one, best in zip(self.alternatives, self.is_best, strict=True)
            ],
            "written": False,
        }


def explore(deployment: Deployment, name: str, *, given: Mapping[str, Sequence[str]]) -> Frontier:
    """Compute the alternatives of a release.

    Args:
        deployment: Opened for reading; the policy need not be active.
        name: The release.
        given: Values to try, by parameter, as they were written; the default grid where there are none.

    Raises:
        UsageError: A parameter that the method does not have, a value that is none, a grid that is too large.
        PolicyError: The method has no alternatives (controlled rows), or the policy cannot be computed.
        DataError: The data cannot be read.
    """
    release = deployment.library.release(name)
    grid = grid_of(release.method, given)
    risk, cost = _AXES[release.method.kind]
    found: list[Alternative] = []
    with quiet_engine(deployment) as engine:
        for number, alternative in enumerate(_alternatives(deployment, release, grid, engine), start=1):
            found.append(_gated(alternative))
            deployment.reporter.progressed(f"frontier of {name}", f"{number} alternatives")
    return Frontier(
        release=release.id,
        version=release.version,
        title=release.title,
        method=release.method.kind,
        risk=risk,
        cost=cost,
        alternatives=tuple(found),
        is_best=pareto(found),
    )


def grid_of(method: Method, given: Mapping[str, Sequence[str]]) -> Grid:
    """Return the values to try: those given, or the method's default grid.

    Raises:
        UsageError: See `explore`.
        PolicyError: The method has no alternatives.
    """
    current, default = _known(method)
    if not given:
        return default
    for name in given:
        is_level = isinstance(method, Microdata) and name.startswith(LEVEL)
        if name not in current and not is_level:
            raise UsageError(
                "frontier.unknown-parameter",
                what=f"'{name[:64]}' is no parameter of the method '{method.kind}'",
                why="a frontier changes the numbers that a policy of this method has",
                fix=f"choose among: {', '.join(current)}" + (f", {LEVEL}COLUMN" if method.kind == "microdata" else ""),
            )
    return {name: tuple(_value(name, text) for text in values) for name, values in given.items()}


def _known(method: Method) -> tuple[dict[str, Value], dict[str, tuple[Value, ...]]]:
    if isinstance(method, Microdata):
        return current_rows(method), default_rows(method)
    if isinstance(method, PrivateMethod):
        return current_noise(method), default_noise(method)
    if isinstance(method, SmallCells):
        return current_cells(method), default_cells(method)
    if isinstance(method, AlleleFrequencies):
        return current_alleles(method), default_alleles(method)
    raise PolicyError(
        "frontier.no-alternatives",
        what="controlled rows have no parameters to weigh",
        why="they are personal data, and leave only under a permit, whatever a number says",
        fix="run `niji policy dry-run` for what would leave",
    )


def _value(name: str, text: str) -> Value:
    try:
        if name in _WHOLE:
            whole = int(text)
            if whole >= _WHOLE[name]:
                return whole
        elif name in _SHARES:
            share = float(text)
            if 0 <= share <= 1 and (name not in {"membership_max_power", "t"} or 0 < share < 1):
                return share
        elif name.startswith(LEVEL):
            return SEARCHED if text == SEARCHED else max(int(text), 0)
        elif 0 < Decimal(text) <= 1:
            return format(Decimal(text).normalize(), "f")
    except (ValueError, InvalidOperation):
        pass
    raise UsageError(
        "frontier.bad-value",
        what=f"a value of '{name}' is none that a policy may have",
        why="only alternatives that could be signed are worth weighing",
        fix="write values as the policy does, for example k=5,10 or suppression_limit=0.02,0.05",
    )


def _alternatives(deployment: Deployment, release: ReleasePolicy, grid: Grid, engine: Any) -> Iterator[Alternative]:
    if isinstance(release.method, PrivateMethod):
        yield from noise_alternatives(release, grid=grid)
        return
    sources: dict[str, Pseudonymized] = {}
    for name in release.datasets:
        deployment.reporter.progressed(f"frontier of {release.id}", f"rehearse {name}")
        sources[name] = rehearse(deployment, name, engine=engine).source
    if isinstance(release.method, AlleleFrequencies):
        yield from allele_alternatives(release, sources, grid=grid)
        return
    made = row_alternatives if isinstance(release.method, Microdata) else cell_alternatives
    yield from made(release, sources, hierarchies=deployment.hierarchies(release), grid=grid)


def _gated(one: Alternative) -> Alternative:
    figures = {
        name: disclose_count(int(value), room=Room.STEWARD).value if name in _PEOPLE and value is not None else value
        for name, value in one.figures.items()
    }
    return Alternative(one.parameters, one.risk, one.cost, figures, one.why, one.is_current)
