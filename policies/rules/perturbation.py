"""Faults of operations that change values rather than coarsen them: where such a value may leave, and beside what."""

from collections.abc import Iterator

from policies.model.method import Microdata
from policies.model.treatment import AddNoise, Keep, Microaggregate, RoundRandomly, Treatment
from policies.places import Key
from policies.rules.view import Fate, Fault, ReleaseView

_CHANGING = (Microaggregate, RoundRandomly, AddNoise)


def perturbation_faults(view: ReleaseView, fate: Fate, step: Treatment, keys: tuple[Key, ...]) -> Iterator[Fault]:
    """Check an operation that publishes values which are nobody's own."""
    if not isinstance(step, _CHANGING):
        return
    method, name = view.release.method, fate.column.output_name
    if not isinstance(method, Microdata):
        what = f"{fate.name}: {step.op} changes values, and the release is no microdata"
        why = "its groups or lots are recounted in records that leave; a statistic of changed values is wrong unsaid"
        yield Fault("perturbed-elsewhere", what, why, "round or generalize it", keys)
    elif name in method.quasi_identifiers or name in {model.column for model in method.sensitive}:
        what = f"{fate.name}: {step.op} changes a column that the privacy model counts"
        why = "the model would count values that are nobody's, and its promise would speak of them"
        yield Fault("perturbed-model", what, why, "generalize it, or take it out of the model", keys)
    if fate.column.treat[-1] is not step:
        what = f"{fate.name}: something follows {step.op}"
        yield Fault("treatment-order", what, "what is recounted is the value it makes", "write it last", keys)
    if isinstance(step, AddNoise) and step.low >= step.high:
        what = f"{fate.name}: the bounds of the noise are none"
        yield Fault("treatment-bounds", what, "nothing lies between them", "write the lower one under `low`", keys)
    if isinstance(step, Microaggregate):
        yield from _within(view, fate, step, keys)


def _within(view: ReleaseView, fate: Fate, step: Microaggregate, keys: tuple[Key, ...]) -> Iterator[Fault]:
    beside = {
        other.column.name: other
        for other in view.fates
        if other.table.table == fate.table.table and other.table.dataset == fate.table.dataset
    }
    for column in step.within:
        other = beside.get(column)
        if other is None or column == fate.column.name or not isinstance(other.column.treat[-1], Keep):
            what = f"{fate.name}: `within` names '{column}', which is no other column of the table that leaves as it is"
            why = "who recounts the groups must see which values belong together"
            yield Fault("treatment-within", what, why, "name a column with `op: keep`", (*keys, "within"))
