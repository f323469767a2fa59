"""The kinds of policy file as frozen, strict models: dataset, release, hierarchy, rule pack.

Reading order: `strictness`, `source`, `dataset`, `treatment`, `method`, `release`, `hierarchy`, `rulepack`.
"""

from policies.model.dataset import Column as Column
from policies.model.dataset import Consent, DatasetPolicy, Register, TablePolicy
from policies.model.hierarchy import HierarchyPolicy
from policies.model.release import Recipient, ReleaseColumn, ReleasePolicy, ReleaseTable
from policies.model.rulepack import Rule, RulePack

__all__ = [
    "Column",
    "Consent",
    "DatasetPolicy",
    "HierarchyPolicy",
    "Recipient",
    "Register",
    "ReleaseColumn",
    "ReleasePolicy",
    "ReleaseTable",
    "Rule",
    "RulePack",
    "TablePolicy",
]
