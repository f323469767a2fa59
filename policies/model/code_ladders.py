"""Kinds of hierarchy that follow a public code: Japanese postal codes, municipalities and addresses, drugs, tests.

Each names its levels finest first; level 0, the value itself, and the last, `*`, are not written. The facts behind them
(which code lies where) are in `anonymization.japan` and `anonymization.hierarchies`.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel

PostalStep = Literal["digits_5", "digits_3", "digits_2", "digits_1", "prefecture", "region"]
POSTAL_STEPS: tuple[PostalStep, ...] = ("digits_5", "digits_3", "digits_2", "digits_1", "prefecture", "region")
PlaceStep = Literal["municipality", "city", "medical_area", "populous", "prefecture", "region"]
PLACE_STEPS: tuple[PlaceStep, ...] = ("municipality", "city", "medical_area", "populous", "prefecture", "region")

CODE_PARTS = MappingProxyType(
    {
        "atc": (5, 4, 3, 1),
        "yj": (9, 7, 4, 2),
        "jlac10": (15, 12, 9, 5, 2),
        "icd9cm": (3,),
    }
)
"""The lengths that a code system's parts end at, longest first. ICD-9-CM has its chapters above them.

Sources: WHO, ATC classification: structure and principles (levels of 1, 3, 4, 5 and 7 characters). 薬価基準収載医薬品コード
(YJ): 薬効分類 4 digits (of which 2 the group), 投与経路・成分 3, 剤形 1, 規格 1, 銘柄 2, check digit 1. 日本臨床検査医学会
JLAC10: 分析物 5 (of which 2 the group), 識別 4, 材料 3, 測定法 3, 結果識別 2. ICD-9-CM: three-character categories.
"""


class PostalCodeLevels(PolicyModel):
    """Japanese postal codes (7 digits) → the `steps`, for example [digits_3, prefecture, region], then `*`.

    Where a prefix lies in two prefectures, its label names both, so every label covers its values.
    """

    kind: Literal["postal_code"]
    steps: Annotated[tuple[PostalStep, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        _require_order(self.steps, POSTAL_STEPS)
        return self


class PlaceLevels(PolicyModel):
    """Municipalities, by code (`municipality`) or by address (`address`) → the `steps` → `*`.

    `municipality` is for addresses only: a code is one already. `city` joins the wards of the twenty designated cities.
    `medical_area` is the 二次医療圏 (or another area) that `areas` gives each five-digit code. `populous` keeps a
    municipality with at least `least_inhabitants` by the public counts in `inhabitants`, and joins the smaller ones of a
    prefecture, with as many of the next larger as it takes to reach that number.
    """

    kind: Literal["municipality", "address"]
    steps: Annotated[tuple[PlaceStep, ...], Field(min_length=1)]
    areas: dict[str, str] | None = None
    inhabitants: dict[str, Annotated[int, Field(ge=0)]] | None = None
    least_inhabitants: Annotated[int | None, Field(ge=1)] = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        _require_order(self.steps, PLACE_STEPS)
        if self.kind == "municipality" and "municipality" in self.steps:
            msg = "level 0 of a municipality's code is the municipality; leave that step out"
            raise ValueError(msg)
        if ("medical_area" in self.steps) != (self.areas is not None):
            msg = "`areas` belongs to the step medical_area, and only to it"
            raise ValueError(msg)
        given = {self.inhabitants is not None, self.least_inhabitants is not None}
        if given != {"populous" in self.steps}:
            msg = "`inhabitants` and `least_inhabitants` belong to the step populous, and only to it"
            raise ValueError(msg)
        if {"medical_area", "populous"} <= set(self.steps):
            msg = "small municipalities of one prefecture lie in several areas; take medical_area or populous"
            raise ValueError(msg)
        return self


class CodeSystemLevels(PolicyModel):
    """Codes of a code system → its parts, longest first → `*`; what has not the system's form is unseen.

    `atc` drugs (WHO), `yj` Japanese drug codes, `jlac10` laboratory tests, `icd9cm` diagnoses (category, chapter). With
    `restore_zeros` a source is declared that keeps ICD-9-CM categories as numbers, with a dot before their parts: `8` is
    008 and `38.9` is 038.9. Four or five digits without a dot could then be two codes, and are unseen.
    """

    kind: Literal["codes"]
    system: Literal["atc", "yj", "jlac10", "icd9cm"]
    restore_zeros: bool = False

    @model_validator(mode="after")
    def _has_zeros(self) -> Self:
        if self.restore_zeros and self.system != "icd9cm":
            msg = "`restore_zeros` is about the categories of icd9cm"
            raise ValueError(msg)
        return self


def _require_order(steps: Sequence[str], order: Sequence[str]) -> None:
    if any(order.index(finer) >= order.index(coarser) for finer, coarser in pairwise(steps)):
        msg = f"`steps` go from fine to coarse: {', '.join(order)}"
        raise ValueError(msg)
