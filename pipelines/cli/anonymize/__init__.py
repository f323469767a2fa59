"""`niji anonymize`: one table file in, one anonymous table file out, with evidence.

Reading order: `command.py` (the options, and the steps in their order) → `settings.py` (what was asked, and the rows it
is about) → `search.py` (recode, recount) → `local.py` (local recoding) → `worth.py` (metric, weights, utility) → `record.py` (the evidence) → `shown.py`
(what is shown while it searches and when it is done).
"""

from pipelines.cli.anonymize.command import anonymize
from pipelines.cli.anonymize.settings import split_names

__all__ = ["anonymize", "split_names"]
