"""What a privacy model is that judges the published classes together, not each by itself.

Here: the protocol, and what the search may conclude from a refusal. The models themselves are files beside this one.
"""

from typing import Protocol

from anonymization.criteria.criterion import BoolArray, ClassCounts


class TableCriterion(Protocol):
    """A privacy model of a release as a whole: an average risk, a share of unique people.

    No row is suppressed for its sake: a node whose published classes fail it is no release at all. The two flags say
    what a failure tells of other nodes, and must be False where it is not proven:

    - `monotone_in_generalization`: published classes that pass together still pass after any of them merge.
    - `monotone_in_suppression`: published classes that pass together still pass after rows that had been suppressed are
      published too, in classes of their own or in those that are there.

    A model with neither flag is asked at every node that could still be the best.
    """

    @property
    def name(self) -> str:
        """How evidence calls the model, with its parameters."""

    @property
    def monotone_in_generalization(self) -> bool:
        """Whether merging published classes keeps a passing release passing."""

    @property
    def monotone_in_suppression(self) -> bool:
        """Whether publishing more of the table keeps a passing release passing."""

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        """Return True if the published classes together do not meet the model.

        Args:
            counts: All classes of a node, also those that are suppressed.
            kept: Which of them are published; at least one is.
        """

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        """Return in words the strictest setting that these published classes would meet; None where there is none."""
