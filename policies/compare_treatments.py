"""What another treatment of a column does: whether it leaves now, which steps came and went, which numbers moved.

Belongs here: treatments only, because their order and their strength need more than a table of keys.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from policies.direction import Direction
from policies.model.strictness import Text
from policies.model.treatment import Treatment
from policies.sentences import Bilingual, say_treatment

Step = Mapping[str, Any]

_FATES: Sequence[Bilingual] = (
    ("出さない", "stays"),
    ("集計にだけ使う", "is only counted"),
    ("行として出す", "leaves in rows"),
)
"""From the strictest to the loosest."""
_NO_PROTECTION = frozenset({"keep", "aggregate_only", "drop_column", "reject_at_landing"})
_CHOICES: Mapping[str, Sequence[str]] = MappingProxyType(
    {"to": ("month", "quarter", "year"), "method": ("hmac", "random"), "scope": ("project", "release")}
)
"""Words from the loosest to the strictest."""
_STRICTER_WHEN_MORE = frozenset({("round", "to"), ("bottom_code", "limit")} | {("date_shift", "max_days")})
_STRICTER_WHEN_MORE |= {("generalize", "level"), ("roll_up_rare", "min_persons"), ("roll_up_rare", "start_level")}
_STRICTER_WHEN_MORE |= {("microaggregate", "min_persons"), ("round_randomly", "to"), ("add_noise", "sd")}
_STRICTER_WHEN_LESS = frozenset({("top_code", "limit"), ("microaggregate", "decimals")})


def treatment_changes(old: Sequence[Step], new: Sequence[Step]) -> Iterator[tuple[Direction, Text]]:
    """Yield what changes between two treatments of one column, each with its direction; at least one thing if they differ."""
    before, after = fate_of(old), fate_of(new)
    if before != after:
        words = Text(
            ja=f"「{_FATES[before][0]}」から「{_FATES[after][0]}」になる: {_said(new).ja}",
            en=f"it {_FATES[before][1]} in the old one and {_FATES[after][1]} in the new: {_said(new).en}",
        )
        yield (Direction.LOOSER if after > before else Direction.STRICTER), words
        return
    found = list(_steps(old, new))
    if not found and list(old) != list(new):
        found = [(Direction.CHANGED, _from_to(old, new))]
    yield from found


def fate_of(steps: Sequence[Step]) -> int:
    """Return 0 where a column stays, 1 where it is only counted, 2 where it leaves in rows."""
    operations = {str(step["op"]) for step in steps}
    if operations & {"drop_column", "reject_at_landing"}:
        return 0
    return 1 if "aggregate_only" in operations else 2


def _steps(old: Sequence[Step], new: Sequence[Step]) -> Iterator[tuple[Direction, Text]]:
    before, after = (Counter(str(step["op"]) for step in steps) for steps in (old, new))
    gone, come = before - after, after - before
    is_loss, is_gain = bool(set(gone) - _NO_PROTECTION), bool(set(come) - _NO_PROTECTION)
    if gone or come:
        one_way = {(True, False): Direction.LOOSER, (False, True): Direction.STRICTER}
        yield one_way.get((is_loss, is_gain), Direction.CHANGED), _from_to(old, new)
        return
    if [step["op"] for step in old] != [step["op"] for step in new]:
        yield Direction.CHANGED, _from_to(old, new)
        return
    for first, second in zip(old, new, strict=True):
        for key in dict.fromkeys((*first, *second)):
            if first.get(key) != second.get(key):
                yield _parameter(first, second, key), _from_to([first], [second])


def _parameter(first: Step, second: Step, key: str) -> Direction:
    """Return which way one parameter of an operation goes."""
    before, after = first.get(key), second.get(key)
    if key == "reason":
        return Direction.WORDING
    if key in _CHOICES and before in _CHOICES[key] and after in _CHOICES[key]:
        more = _CHOICES[key].index(str(after)) > _CHOICES[key].index(str(before))
        return Direction.STRICTER if more else Direction.LOOSER
    known = (str(first["op"]), key)
    if known not in _STRICTER_WHEN_MORE | _STRICTER_WHEN_LESS or "search" in (before, after):
        return Direction.CHANGED
    low, high = Decimal(str(before)), Decimal(str(after))
    if low == high:
        return Direction.WORDING
    is_stricter = (high > low) == (known in _STRICTER_WHEN_MORE)
    return Direction.STRICTER if is_stricter else Direction.LOOSER


def _from_to(old: Sequence[Step], new: Sequence[Step]) -> Text:
    before, after = _said(old), _said(new)
    return Text(ja=f"「{before.ja}」が「{after.ja}」になる", en=f"“{before.en}” becomes “{after.en}”")


def _said(steps: Sequence[Step]) -> Text:
    models = [_adapter().validate_python(dict(step)) for step in steps]
    return Text(
        ja="、続いて".join(say_treatment(model, "ja") for model in models),
        en=", then ".join(say_treatment(model, "en") for model in models),
    )


@cache
def _adapter() -> TypeAdapter[Treatment]:
    return TypeAdapter(Treatment)
