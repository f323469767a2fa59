"""`niji anonymize --release`: what the method of a release policy asks, held to one table file."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.cli.anonymize.local import Recoding
from pipelines.cli.anonymize_models import AskedModels
from policies.errors import UsageError


@dataclass(frozen=True, slots=True)
class Asked:
    """Quasi-identifiers, k, models, limit and recoding: from options, or from a release policy."""

    quasi: list[str]
    k: int
    models: AskedModels
    suppression_limit: float
    recoding: Recoding


def read_release(release: Path, *, folder: Path, given: list[str]) -> Asked:
    """Return what a release policy's method asks of a table that has the release's output columns.

    Args:
        release: The policy's file.
        folder: The folder of hierarchies, by output column.
        given: The options beside it that say the same things.

    Raises:
        UsageError: Such an option is given, or the method is not microdata.
        PolicyError: The policy does not load, or asks for what one table cannot be held to.
    """
    from anonymization.plain import require_plain
    from anonymization.sensitive_models import with_hierarchies
    from pipelines.cli.hierarchy_files import read_hierarchies
    from policies.load import load_release
    from policies.model.method import Microdata
    from policies.model.sensitive import Closeness

    if given:
        raise UsageError(
            "usage.release",
            what=f"{', '.join(given)} is given beside --release",
            why="the policy says it, and two answers would be one too many",
            fix="leave the options out, or change the policy",
        )
    method = load_release(release).method
    if not isinstance(method, Microdata):
        raise UsageError(
            "usage.release",
            what=f"the release policy has the method '{method.kind}'",
            why="only microdata gives rows that are generalized",
            fix="name a release of the method 'microdata'",
        )
    require_plain(method)
    if method.loss is not None:
        raise UsageError(
            "usage.release",
            what="the release policy says with `loss` what is to be least",
            why="here --metric and --weights say it, and two answers would be one too many",
            fix="run the release in a deployment; or leave `loss` out, and give the options",
        )
    trees = [one for one in method.sensitive if isinstance(one, Closeness) and one.hierarchy is not None]
    files = read_hierarchies(folder, [one.column for one in trees])
    named = {str(one.hierarchy): files[one.column].hierarchy for one in trees}
    models = AskedModels(with_hierarchies(method.sensitive, named), files)
    recoding = Recoding(method.recoding or "global")
    return Asked(list(method.quasi_identifiers), method.k, models, method.suppression_limit, recoding)


def require_asked(quasi: str | None, k: int | None) -> tuple[str, int]:
    """Return what must be said where no release says it.

    Raises:
        UsageError: One of them is missing.
    """
    if quasi is None or k is None:
        raise UsageError(
            "usage.asked",
            what="--quasi and --k are not both given, and no --release",
            why="without them nobody is protected",
            fix="write for example --quasi age,sex,zip --k 5, or name a release policy",
        )
    return quasi, k
