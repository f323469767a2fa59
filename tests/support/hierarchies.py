"""Hierarchies for tests: a policy of given levels, what it builds, and the labels of values."""

from anonymization.hierarchy import Hierarchy, build_hierarchy
from policies.model import HierarchyPolicy


def hierarchy_policy(levels: dict, on_unseen: str = "suppress", **more: object) -> HierarchyPolicy:
    return HierarchyPolicy.model_validate(
        {
            "schema": "niji/hierarchy/v1",
            "id": "made",
            "version": "1.0.0",
            "title": {"ja": "試験", "en": "test"},
            "source": "written for this test",
            "on_unseen": on_unseen,
            "levels": levels,
            **more,
        }
    )


def built(levels: dict, on_unseen: str = "suppress") -> Hierarchy:
    return build_hierarchy(hierarchy_policy(levels, on_unseen))


def labels(hierarchy: Hierarchy, *values: str) -> list[tuple[str, ...] | None]:
    """The labels of each value at every level, None for one that the hierarchy does not know."""
    grown = hierarchy.for_values(values)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    return [tuple(level[place[value]] for level in grown.labels) if value in place else None for value in values]
