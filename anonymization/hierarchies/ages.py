"""Ages: single years, classes of five, ten and twenty years, stages of life, and one open class at the top."""

from anonymization.hierarchy import ROOT
from policies.model.ladders import AGE_WIDTHS, LIFE_STAGES, AgeLevels, AgeStep


def age_rows(levels: AgeLevels) -> list[tuple[str, ...]]:
    """Return a row for each age from 0 to the oldest: the age, its class at each step, `*`."""
    return [(str(age), *(_label(age, step, levels) for step in levels.steps), ROOT) for age in range(levels.oldest + 1)]


def _label(age: int, step: AgeStep, levels: AgeLevels) -> str:
    if step == "life_stage":
        return _life_stage(age)
    top = levels.top_from
    if top is not None and age >= top:
        return f"{top}+"
    width = AGE_WIDTHS[step]
    low = age // width * width
    # A class is cut where the open one begins, and at the oldest age that is known.
    high = min(low + width - 1, levels.oldest if top is None else top - 1)
    return str(age) if step == "single_year" else f"{low}-{high}"


def _life_stage(age: int) -> str:
    place = max(number for number, first in enumerate(LIFE_STAGES) if first <= age)
    if place == len(LIFE_STAGES) - 1:
        return f"{LIFE_STAGES[place]}+"
    return f"{LIFE_STAGES[place]}-{LIFE_STAGES[place + 1] - 1}"
