"""Months of periods, counted so that a day too many is a month too many."""

from datetime import date


def months_between(start: date, end: date) -> int:
    """Return the number of months that an inclusive period begins: 1 April to 30 April is one, to 1 May is two."""
    return (end.year - start.year) * 12 + end.month - start.month + (1 if end.day >= start.day else 0)
