"""Rules on what could undo a treatment: where it is, and who may touch it (APPI-18, APPI-26, DP-05)."""

from collections.abc import Iterator

from policies.model.custody import Custody
from policies.model.method import PrivateMethod
from policies.places import Key
from policies.rules.view import Parameters, Problem, ReleaseView, number
from policies.vocabulary import Keeping, Restorable

_CUSTODY: tuple[Key, ...] = ("custody",)
_ARTEFACTS: tuple[Key, ...] = ("custody", "artefacts")


def removed_information_is_guarded(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-18: removed information (削除情報等) is in a vault of its own, opened by named roles, and each opening is logged."""
    yield from _guarded(view, parameters)


def method_information_is_guarded(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-26: what lets one restore (加工方法等情報) is handled by named roles, reviewed, and never beside the data."""
    yield from _guarded(view, parameters)


def noise_is_discarded(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """DP-05: noise values and seeds are restorable information: in the vault, or not kept at all."""
    yield from _guarded(view, parameters)


def _guarded(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    custody = view.release.custody
    if custody is None:
        what = "nothing says who keeps what could restore the data, and where"
        yield Problem(what, "write `custody` with vault, roles, access_log, artefacts and reviewed_on", _CUSTODY)
        return
    yield from _roles(custody, parameters)
    days = number(parameters, "reviewed_within_days")
    age = (view.on - custody.reviewed_on).days
    if not 0 <= age <= days:
        what = f"custody was reviewed {age} days ago" if age > 0 else "custody is reviewed on a day to come"
        yield Problem(what, f"review it, at least every {days} days", (*_CUSTODY, "reviewed_on"))
    yield from _placed(custody, _made_by(view))


def _roles(custody: Custody, parameters: Parameters) -> Iterator[Problem]:
    least = number(parameters, "least_roles")
    names = {role.en for role in custody.roles}
    if len(names) < least or len({role.ja for role in custody.roles}) < least:
        what = f"{len(names)} role may open the vault alone"
        yield Problem(what, f"name {least} roles or more, so that no one opens it unseen", (*_CUSTODY, "roles"))


def _made_by(view: ReleaseView) -> tuple[Restorable, ...]:
    """Return what the treatments of a release leave that could undo them: pseudonyms always rest on a key."""
    operations = {operation for fate in view.fates for operation in fate.operations}
    made = [Restorable.KEY]
    if "pseudonymize" in operations:
        made.append(Restorable.ID_MAP)
    if "date_shift" in operations:
        made.append(Restorable.DATE_OFFSETS)
    if isinstance(view.release.method, PrivateMethod):
        made.append(Restorable.NOISE)
    return tuple(made)


def _placed(custody: Custody, needed: tuple[Restorable, ...]) -> Iterator[Problem]:
    said = {artefact.what for artefact in custody.artefacts}
    for what in needed:
        if what not in said:
            problem = f"nothing says where the {what.en} is ({what.ja})"
            yield Problem(problem, f"add `{{what: {what.value}, kept: …}}`", _ARTEFACTS)
    for index, artefact in enumerate(custody.artefacts):
        if artefact.kept is Keeping.WITH_DATA:
            problem = f"the {artefact.what.en} lies beside the data ({artefact.what.ja})"
            yield Problem(problem, "move it into the vault, or destroy it", (*_ARTEFACTS, index, "kept"))
