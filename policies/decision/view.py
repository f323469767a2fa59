"""What a check on a request sees: request, release, recipient, day, diseases, and what only the platform knows.

Belongs here: the view. Does not: any check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from policies.decision.mondo import Diseases
from policies.decision.request import AccessRequest
from policies.model import DatasetPolicy, Recipient, ReleasePolicy
from policies.model.use_conditions import UseConditions


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What neither file says. None means that nobody looked, and is then no point of the decision.

    `policy_is_active`: whether the release's signatures and dates let it be used today. `excluded`: ids of recipients and
    users who may not ask for now (EHDS 63(3)).
    """

    policy_is_active: bool | None = None
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request beside the release it asks for; `recipient` is None where the release does not list it."""

    request: AccessRequest
    release: ReleasePolicy
    recipient: Recipient | None
    on: date
    diseases: Diseases
    circumstances: Circumstances = Circumstances()
    datasets: Mapping[str, DatasetPolicy] = field(default_factory=dict)

    @property
    def conditions(self) -> UseConditions:
        """The facts that modifiers need; all missing where the policy writes none."""
        return self.release.purposes.conditions or UseConditions()

    @property
    def country(self) -> str | None:
        """Where the data will be used: what the request says, else where the recipient is."""
        return self.request.country or (self.recipient.country if self.recipient else None)


def listed_recipient(request: AccessRequest, release: ReleasePolicy) -> Recipient | None:
    """Return the release's entry for the recipient that a request names; None if there is none, or more than one."""
    found = [entry for entry in release.recipients if entry.id == request.recipient]
    return found[0] if len(found) == 1 else None
