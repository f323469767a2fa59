"""Which regimes a release cannot leave out: those of every release, and those that its own facts call up.

A fact that is written and judged by no pack would look as if it were kept; so it is refused, rather than passed over.
"""

from collections.abc import Iterator

from policies.model.method import SmallCells
from policies.rules.ngmi import is_under_the_act
from policies.rules.view import ReleaseView

ALWAYS_NEEDED = ("appi", "house")
"""The regimes that no policy may leave out."""


def needed_regimes(view: ReleaseView) -> dict[str, str]:
    """Return the regimes that a release must list, and what calls each up, in words for a message."""
    needed = dict.fromkeys(ALWAYS_NEEDED, "every release is held against it")
    if isinstance(view.release.method, SmallCells):
        needed["cells-ndb"] = "its method is a table with small cells"
    for regime, fact in _facts(view):
        needed.setdefault(regime, fact)
    return needed


def _facts(view: ReleaseView) -> Iterator[tuple[str, str]]:
    release = view.release
    if is_under_the_act(view):
        yield "ngmi", "its category, its basis or the holder of its data is one of the NGMI Act"
    if release.ethics is not None and release.ethics.ic_type is not None:
        yield "ethics", "it states a kind of informed consent (`ethics.ic_type`)"
    if release.hipaa is not None:
        yield "hipaa", "it states a way of HIPAA (`hipaa`)"
    for dataset in view.datasets.values():
        if dataset.sharing is not None:
            yield "nbdc", f"dataset '{dataset.id}' states an access tier (`sharing`)"
            if dataset.sharing.amed is not None or dataset.sharing.dmp is not None:
                yield "amed", f"dataset '{dataset.id}' states AMED's plan or conditions (`sharing`)"
        if dataset.us_persons is not None:
            yield "us-bulk", f"dataset '{dataset.id}' counts United States persons (`us_persons`)"
        if dataset.ehds is not None:
            yield "ehds-alignment", f"dataset '{dataset.id}' states EHDS facts (`ehds`)"
