"""The text of a number with decimals, the same whichever engine writes it. Sent to Spark's executors: no imports but math."""

import math


def text_of_number(value: float) -> str:
    """Write a double as DuckDB casts it to text: the fewest digits that give the same number back.

    Java writes `1.5E-7` and does not always find the fewest digits (JDK-4511638, mended in Java 19); Python does.
    """
    return repr(float(value)) if math.isfinite(value) else _without_digits(value)


def _without_digits(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def text_or_null(value: float | None) -> str | None:
    """Write a double, or pass on that there is none."""
    return None if value is None else text_of_number(value)
