"""Requests and decision cases as files: read as strictly as policies, each fault with its line.

Belongs here: the form of a case and how one file is read. Does not: folders of cases (`cases`).
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from policies.decision.request import AccessRequest, CaseRequest, RequestFile
from policies.decision.view import Circumstances
from policies.documents import read_document, read_policy
from policies.errors import Place, PolicyError
from policies.findings import in_order, refuse
from policies.model import ReleasePolicy
from policies.model.strictness import PolicyModel, Text
from policies.subset import WHY_FILE

_Model = TypeVar("_Model", bound=PolicyModel)


class DecisionCase(PolicyModel):
    """One request and a day, written by a compliance officer; the folder it lies in says how it must be decided.

    `because` names rules (or DUO ids) that must be among the reasons: a case refused for another reason shows nothing.
    `policy_is_active` and `excluded` are what the platform would know (`view.Circumstances`).
    """

    schema_: Annotated[Literal["niji/case/v1"], Field(alias="schema")]
    title: Text
    on: date
    because: tuple[str, ...] = ()
    policy_is_active: bool | None = None
    excluded: tuple[str, ...] = ()
    request: CaseRequest

    @property
    def circumstances(self) -> Circumstances:
        """What the platform would know besides the request."""
        return Circumstances(self.policy_is_active, frozenset(self.excluded))


def load_strictly(path: Path, model: type[_Model]) -> _Model:
    """Read one file as a model.

    Raises:
        PolicyError: Anything is wrong with the file; the first finding, with file:line:column.
    """
    _, built, findings = read_policy(path, model)
    refuse(in_order(findings))
    if not isinstance(built, model):
        raise PolicyError(
            "policy.unreadable", what="the file cannot be read", why=WHY_FILE, fix="check it", where=Place(str(path))
        )
    return built


def load_request(path: Path, release: ReleasePolicy) -> tuple[AccessRequest, DecisionCase | None]:
    """Read a request for a release: a file of its own (`niji/request/v1`), or that of a case (`niji/case/v1`).

    Returns:
        The request, and the case that it comes from: its day and what it takes for known belong to the answer.

    Raises:
        PolicyError: Anything is wrong with the file; the first finding, with file:line:column.
    """
    document, _ = read_document(path)
    says = document.find(("schema",)).node.value if document is not None else None
    if says == "niji/case/v1":
        case = load_strictly(path, DecisionCase)
        return case.request.for_release(release.id, release.version), case
    return load_strictly(path, RequestFile), None
