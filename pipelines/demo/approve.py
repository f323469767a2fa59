"""Let four demo persons sign every policy of a demo, so that its pipelines may run.

They are nobody: their keys lie in the demo's own folder, under the passphrase of the home. A real deployment enrols real
people, each with a key in a folder of their own (`niji policy signer`).
"""

from catalog.keys import KeyStore, PublicKey
from pipelines.deployment import Deployment
from pipelines.settings import Settings
from policies.approvals import SIGNING, unaccepted_holds
from policies.check import check
from policies.library import PolicyKind
from policies.lifecycle import findings_of
from policies.load import load_library
from policies.roles import PolicyStatus, Role
from policies.signing import Intent

DEMO_SIGNERS = {
    Role.AUTHOR: "demo-author",
    Role.DATA_STEWARD: "demo-steward",
    Role.COMPLIANCE_OFFICER: "demo-compliance-officer",
    Role.KEY_CUSTODIAN: "demo-key-custodian",
}
"""One made-up person a role."""

_ACCEPTED = "accepted for the demo, whose patients are all invented / デモのため承認(患者は全て架空)"


def approve_all(settings: Settings) -> tuple[str, ...]:
    """Let the demo persons sign every policy that lacks their signatures; return the policies signed now.

    What is active stays as it is; what was suspended or retired by a signature stays so; what the check refuses is
    left unsigned, so that opening the deployment says why.

    Raises:
        NijiError: A file does not load, records do not hold, or a signature was refused.
    """
    deployment = Deployment(settings, load_library(settings.policies))
    names = [(PolicyKind.DATASET, name) for name in deployment.library.datasets]
    names += [(PolicyKind.RELEASE, name) for name in deployment.library.releases]
    people: list[KeyStore] = []
    return tuple(f"{kind.value}/{name}" for kind, name in names if _sign(deployment, kind, name, people))


def _sign(deployment: Deployment, kind: PolicyKind, name: str, people: list[KeyStore]) -> bool:
    library, on, desk = deployment.library, deployment.settings.on, deployment.approvals
    state = deployment.state(kind, name)
    mine = findings_of(library, kind, name, findings=check(library, on=on))
    signed = {one.role for one in state.signatures}
    missing = [role for role in DEMO_SIGNERS if role not in signed]
    if state.status is PolicyStatus.SUSPENDED and unaccepted_holds(mine, ()):
        missing = [Role.COMPLIANCE_OFFICER]
    if state.status is PolicyStatus.RETIRED or not missing or any(one.severity == "BLOCK" for one in mine):
        return False
    if not people:  # opened once, and only if somebody has to sign: a key store takes its time on purpose
        people.append(_people(deployment))
    for role in missing:
        holds = unaccepted_holds(mine, ()) if role is Role.COMPLIANCE_OFFICER else {}
        intent = Intent(SIGNING[role], role, DEMO_SIGNERS[role], accepted=dict.fromkeys(holds, _ACCEPTED))
        desk.sign(library, kind, name, intent=intent, signer=people[0].signer(intent.by), on=on)
    return True


def _people(deployment: Deployment) -> KeyStore:
    """Open the demo persons' key store, and enrol those who are not."""
    settings, desk = deployment.settings, deployment.approvals
    store = KeyStore.open(settings.home / "demo" / "signers", settings.keys_passphrase)
    signers = desk.book.signers()
    for role, person in DEMO_SIGNERS.items():
        if signers.current(person, on=settings.on) is None:
            public: PublicKey = store.signer(person).public
            desk.enrol(person, roles=(role,), key=public, since=settings.on, until=None)
    return store
