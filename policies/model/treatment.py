"""What happens to a column on its way out; one class an operation, told apart by `op:`.

The operations are the processing methods of the PPC guideline on anonymized information (項目削除, 一般化, …), see
each class. Operations of one column are applied in the order written.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from policies.model.strictness import ColumnName, Exact, Name, PolicyModel


class DropColumn(PolicyModel):
    """項目削除: the column does not leave."""

    op: Literal["drop_column"]


class RejectAtLanding(PolicyModel):
    """受入拒否: a value in this column stops the ingest (個人番号, 番号法 19, 20)."""

    op: Literal["reject_at_landing"]


class Keep(PolicyModel):
    """維持: the column leaves as it is; the reason is shown to the reviewer."""

    op: Literal["keep"]
    reason: Annotated[str, Field(min_length=8)]


class Pseudonymize(PolicyModel):
    """仮ID: `random` draws a new id for the release whose map is never stored; `hmac` keeps the keyed pseudonym."""

    op: Literal["pseudonymize"]
    method: Literal["random", "hmac"]
    scope: Literal["release", "project"]


class ToAge(PolicyModel):
    """Age in full years at the date in column `at` of the record's own table (年齢計算ニ関スル法律 is not modelled)."""

    op: Literal["to_age"]
    at: ColumnName


class ToDurationDays(PolicyModel):
    """Days from the column `since` to this one."""

    op: Literal["to_duration_days"]
    since: ColumnName


class DateShift(PolicyModel):
    """Move every date of a person by the same secret number of days, at most `max_days` either way."""

    op: Literal["date_shift"]
    unit: Literal["person"] = "person"
    max_days: Annotated[int, Field(ge=1, le=366)]


class TruncateDate(PolicyModel):
    """一般化: a date becomes its year, quarter or month, as text such as `2024-Q3`."""

    op: Literal["truncate_date"]
    to: Literal["year", "quarter", "month"]


class ToPrefecture(PolicyModel):
    """一般化: a Japanese address becomes the name of its prefecture (JIS X 0401); unknown addresses become null."""

    op: Literal["to_prefecture"]


class Generalize(PolicyModel):
    """一般化 along a hierarchy; `level: search` leaves the level to the optimal search."""

    op: Literal["generalize"]
    hierarchy: Name
    level: Annotated[int, Field(ge=0)] | Literal["search"]


class RollUpRare(PolicyModel):
    """特異な記述: a code held by fewer than `min_persons` people moves up its hierarchy until it is not rare.

    What is still rare at the highest level below the root becomes null (セル削除).
    """

    op: Literal["roll_up_rare"]
    hierarchy: Name
    min_persons: Annotated[int, Field(ge=2)]
    start_level: Annotated[int, Field(ge=0)] = 0


class TopCode(PolicyModel):
    """トップコーディング: numbers above `limit` become `limit`."""

    op: Literal["top_code"]
    limit: Exact


class BottomCode(PolicyModel):
    """ボトムコーディング: numbers below `limit` become `limit`."""

    op: Literal["bottom_code"]
    limit: Exact


class Round(PolicyModel):
    """Numbers become the nearest multiple of `to`; ties go to the even multiple."""

    op: Literal["round"]
    to: Annotated[Exact, Field(gt=Decimal(0))]


class Microaggregate(PolicyModel):
    """ミクロアグリゲーション: a number becomes the mean of a group of near numbers of at least `min_persons` people.

    Groups are made anew for each combination of values of the columns `within` (a laboratory test by its code), which leave
    as they are. The mean is rounded to `decimals`. Means that fewer people share once records are removed are averaged with
    their neighbors; where another treatment follows they become null.
    """

    op: Literal["microaggregate"]
    min_persons: Annotated[int, Field(ge=2)]
    within: tuple[ColumnName, ...] = ()
    decimals: Annotated[int, Field(ge=0, le=6)] = 2

    @field_validator("within", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        # A treatment written alone was made a list by its column, after which a list inside it is no tuple any more.
        return tuple(value) if isinstance(value, list) else value


class RoundRandomly(PolicyModel):
    """ノイズ付加 (丸めの無作為化): numbers become the multiple of `to` below or above, by an unbiased lot."""

    op: Literal["round_randomly"]
    to: Annotated[Exact, Field(gt=Decimal(0))]


class AddNoise(PolicyModel):
    """ノイズ付加: normal noise of the standard deviation `sd` is added, cut to `low` … `high`; not differential privacy."""

    op: Literal["add_noise"]
    sd: Annotated[Exact, Field(gt=Decimal(0))]
    low: Exact
    high: Exact


class AggregateOnly(PolicyModel):
    """集計のみ: the column is used inside a statistic and leaves in no other form."""

    op: Literal["aggregate_only"]


Treatment = Annotated[
    DropColumn
    | RejectAtLanding
    | Keep
    | Pseudonymize
    | ToAge
    | ToDurationDays
    | DateShift
    | TruncateDate
    | ToPrefecture
    | Generalize
    | RollUpRare
    | TopCode
    | BottomCode
    | Round
    | Microaggregate
    | RoundRandomly
    | AddNoise
    | AggregateOnly,
    Field(discriminator="op"),
]
