"""`niji anonymize`: one table file in, one anonymous table file out, with evidence.

Reading order: `command.py` (the options, and the steps in their order) → `from_release.py` (what a release policy asks)
→ `settings.py` (what was asked, and the rows it is about) → `engine.py` (what computes) → `search.py` (recode, recount)
→ `local.py` (local recoding) → `worth.py` (metric, weights, utility) → `record.py` (the evidence) → `mapping.py` (the
labels of each value, to be applied elsewhere) → `shown.py` (what is shown while it searches and when it is done).
"""

from pipelines.cli.anonymize.command import anonymize
from pipelines.cli.anonymize.settings import split_names

__all__ = ["anonymize", "split_names"]
