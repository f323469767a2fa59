"""When noisy numbers become visible: at slots of a public clock, never at the moment when the work is done.

How long rows are bounded depends on the rows, and how long an exact sampler draws depends on the noise that it drew. So all
of the work is done, and stored, first; then nothing is said, recorded or settled before the next slot. The length of a
slot follows from the plan and the policy alone. Work that takes longer waits for the slot after 2, 4, 8, … lengths: what
its time tells is which of these few it was, and a slot that is long enough tells nothing.

Not hidden: what a process shows of itself while it works (load, memory, files of the restricted zone) to whoever shares
the machine; a moment of the system's scheduler after the slot; how long the stages before a release took, up to a slot.

Source: Jin, McMurtry, Rubinstein, Ohrimenko, Are We There Yet? Timing and Floating-Point Attacks on Differential Privacy
Systems, IEEE S&P 2022 (arXiv 2112.05307): the time of discrete samplers gives their noise away.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.private_plan import PrivatePlan, noisy_numbers, passes

RELEASE_SECONDS = 1.0
"""The shortest slot of a release: its step is watched by the deployment's own staff, once a version."""
QUESTION_SECONDS = 5.0
"""The shortest slot of a researcher's question, who may ask many and time each."""

_SECONDS_A_CELL = 50e-6
"""Of one noisy number; a discrete Gaussian takes about 13 µs, reference design section 2.2."""
_SECONDS_A_PERSON = 20e-6
"""Of one person in one query; ten million rows of one million people took 17 s, reference design section 2.4."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock on the wall (seconds since 1970, UTC), one that never goes back, and how to wait; tests bring their own."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def slot_seconds(planned: PrivatePlan, *, people_at_most: int | None, least: float) -> float:
    """Return the length of a slot: `least`, doubled until the planned work fits in comfortably.

    Args:
        planned: The plan; its noisy numbers are counted.
        people_at_most: The policy's public number of people, if it declares one.
        least: The shortest slot, in seconds; above zero.

    Guarantee: a function of public values only.
    """
    people = (people_at_most or 0) * passes(planned)
    work = noisy_numbers(planned) * _SECONDS_A_CELL + people * _SECONDS_A_PERSON
    return math.ldexp(least, math.ceil(math.log2(max(work / least, 1))))


@contextmanager
def on_schedule(seconds: float, *, clock: Clock) -> Iterator[None]:
    """Do some work, then wait for a slot: the first that begins at least `seconds` later, else the one 2, 4, 8, … times as far.

    What the work raises waits for its slot as well, because a failure has a time, too; an interruption does not wait.

    Args:
        seconds: The length of a slot; slots begin at whole multiples of it on the wall clock.
        clock: Read once on the wall, so that a clock set meanwhile moves nothing.

    Guarantee: the moment it returns is a function of the slot in which it began, of `seconds`, and of how often the
        time to wait had to be doubled; that is never more than once for each doubling of the time that the work took.
    Not guaranteed: anything about work that is done after it.
    """
    began, counted = clock.wall(), clock.monotonic()
    until_slot = math.ceil(began / seconds) * seconds - began
    try:
        yield
    except Exception:
        _wait(until_slot, seconds, since=counted, clock=clock)
        raise
    _wait(until_slot, seconds, since=counted, clock=clock)


def _wait(until_slot: float, seconds: float, *, since: float, clock: Clock) -> None:
    length = seconds
    while clock.monotonic() - since > until_slot + length:
        length *= 2
    while (left := until_slot + length - (clock.monotonic() - since)) > 0:
        clock.sleep(left)
