"""Rules on the public notice of anonymized information (APPI-27, 28)."""

from collections.abc import Iterator

from policies.rules.view import Parameters, Problem, ReleaseView, number
from policies.vocabulary import OutputCategory


def items_are_published(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-27: the items of information are published when anonymized information is made, without delay."""
    if view.category is not OutputCategory.ANONYMIZED_APPI:
        return
    notice, days = view.release.publication, number(parameters, "within_days")
    if notice is None:
        yield Problem(
            "there is no `publication` of the items (公表・明示が未了)", "write `publication:` with its URL and dates"
        )
        return
    delay = (notice.items_published_on - notice.created_on).days
    if not 0 <= delay <= days:
        what = f"the items are published {delay} days after the data were made"
        yield Problem(what, f"publish within {days} days, not before", ("publication", "items_published_on"))


def recipients_are_told(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-28: items and method are public before provision, and the label says what it is."""
    notice = view.release.publication
    if view.category is not OutputCategory.ANONYMIZED_APPI or notice is None:
        return
    if notice.items_published_on > view.release.effective_from:
        what = "the release is effective before its items are published (公表・明示が未了)"
        yield Problem(what, "publish first, or move `effective_from`", ("publication", "items_published_on"))
    if notice.label_ja != view.category.ja:
        what = f"the label is not 「{view.category.ja}」"
        yield Problem(what, f"write `label_ja: {view.category.ja}`", ("publication", "label_ja"))
