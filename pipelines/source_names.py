"""What sources are called outside the landing folder: names under a key of the deployment, which tell nothing of the files.

A plain digest could be tried out by who knows all rows but one person's. Under the key, versions, manifests and the privacy
ledger may carry the names: equal sources have equal names in one deployment, and in no other. Not here: what is landed
(`stages/raw.py`), what is charged (`charging.py`).
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

from catalog.keys import KeyKind
from pipelines.deployment import Deployment
from pipelines.storage import Stage
from policies.model.dataset import TablePolicy
from policies.model.source import DelimitedSource, OmopSource
from policies.vocabulary import TableKind

_KEY = "sources"
_OF_PEOPLE = frozenset({TableKind.PERSON, TableKind.EVENT, TableKind.GENOTYPE})


def keyed_digests(deployment: Deployment, digests: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of source files, by file, under the deployment's key."""
    return {file: _keyed(deployment, digest) for file, digest in digests.items()}


def names_of_people(deployment: Deployment, datasets: Iterable[str]) -> tuple[str, ...]:
    """Return the names of what the people of some datasets were read from: of each table its place, and its content.

    Code tables and registers are not among them, because datasets of different people may share those.

    Args:
        deployment: The deployment; its datasets have been landed.
        datasets: Ids of datasets.
    """
    found: set[str] = set()
    for name in datasets:
        landed = deployment.zones.require(Stage.RAW, name).facts["sources"]
        for table in deployment.library.dataset(name).tables:
            if table.kind in _OF_PEOPLE:
                found.add(_keyed(deployment, f"place\n{_place(table)}"))
                found.add(_keyed(deployment, f"content\n{json.dumps(sorted(landed[table.name].values()))}"))
    return tuple(sorted(found))


def _place(table: TablePolicy) -> str:
    source = table.source
    if isinstance(source, OmopSource):
        return json.dumps([source.path, source.table])
    if isinstance(source, DelimitedSource):
        return json.dumps([source.path, *source.paths, source.member])
    return json.dumps(source.paths)


def _keyed(deployment: Deployment, text: str) -> str:
    key = deployment.keys.secret(KeyKind.STORAGE, _KEY).reveal()
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
