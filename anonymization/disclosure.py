"""The disclosure gate for counts: every count of people or rows that is shown passes here.

Two rooms have two rules. The steward's room (terminal, Dagster) sees exact counts from the threshold up; the
catalog, which anybody may read, sees them rounded down to the threshold's multiple, and nothing at all beside a
differentially private release (rule DP-04).
"""

from dataclasses import dataclass
from enum import StrEnum

MIN_CELL_PEOPLE = 10
"""Counts below this are not shown; zero may be. Source: NDB の利用に関するガイドライン 最小集計単位の原則 (CELL-NDB-1)."""


class Room(StrEnum):
    """Who reads the number."""

    STEWARD = "steward"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class DisclosedCount:
    """A count as it may be shown: `value` for machines (None when hidden), `text` for people, `reason` when altered."""

    value: int | None
    text: str
    reason: str | None


def disclose_count(count: int | None, *, room: Room, threshold: int = MIN_CELL_PEOPLE) -> DisclosedCount:
    """Return `count` as the room may see it.

    Args:
        count: People or rows; None when the number is not established.
        room: Who reads it.
        threshold: The smallest count that is shown, and the rounding step of the public room.

    Returns:
        Zero as zero; 1 … `threshold` - 1 hidden with reason `below_threshold`; None with `not_established`.

    Source: design rule "one disclosure gate"; reason codes after the lesson that a hidden and an unknown count differ.
    """
    if count is None:
        return DisclosedCount(None, "-", "not_established")
    if count == 0:
        return DisclosedCount(0, "0", None)
    if count < threshold:
        return DisclosedCount(None, f"<{threshold}", "below_threshold")
    if room is Room.STEWARD:
        return DisclosedCount(count, f"{count:,}", None)
    rounded = count - count % threshold
    return DisclosedCount(rounded, f"{rounded:,}+", "rounded_down")
