"""The checks that rule packs name, one small pure function a rule; the table below is the only way in.

A check takes a view (`view.py`) and the parameters of its rule, and yields problems. It reads no file and no clock.
Reading order: `view`, `identifiers`, `unusual`, `basis`, `publication`, `consistency`; then `columns`, `treatments`
and `conditions`, which hold for every policy file whichever packs it lists.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from policies.rules import basis, consistency, identifiers, publication, unusual
from policies.rules.view import DatasetView, Parameters, Problem, ReleaseView

ReleaseCheck = Callable[[ReleaseView, Parameters], Iterator[Problem]]
DatasetCheck = Callable[[DatasetView, Parameters], Iterator[Problem]]

RELEASE_CHECKS: Mapping[str, ReleaseCheck] = MappingProxyType(
    {
        "genome_rows_stay": identifiers.genome_rows_stay,
        "my_number_is_rejected": identifiers.my_number_is_rejected,
        "pseudonymized_is_stripped": identifiers.pseudonymized_is_stripped,
        "descriptions_are_removed": identifiers.descriptions_are_removed,
        "codes_are_removed": identifiers.codes_are_removed,
        "linkage_is_cut": identifiers.linkage_is_cut,
        "unusual_is_removed": unusual.unusual_is_removed,
        "records_are_alike": unusual.records_are_alike,
        "cells_are_large": unusual.cells_are_large,
        "risk_fits_k": unusual.risk_fits_k,
        "alleles_are_common": unusual.alleles_are_common,
        "provision_has_its_basis": basis.provision_has_its_basis,
        "joint_research_is_agreed": basis.joint_research_is_agreed,
        "recipient_is_academic": basis.recipient_is_academic,
        "special_care_is_not_opted_out": basis.special_care_is_not_opted_out,
        "foreign_recipients_are_safe": basis.foreign_recipients_are_safe,
        "pseudonymized_stays_inside": basis.pseudonymized_stays_inside,
        "section_4_is_private": basis.section_4_is_private,
        "category_fits": basis.category_fits,
        "items_are_published": publication.items_are_published,
        "recipients_are_told": publication.recipients_are_told,
        "names_are_columns": consistency.names_are_columns,
        "purposes_are_clear": consistency.purposes_are_clear,
        "budget_is_kept": consistency.budget_is_kept,
        "losses_are_meant": consistency.losses_are_meant,
    }
)
"""Checks of release policies, by the name that a rule pack's `check:` uses."""

DATASET_CHECKS: Mapping[str, DatasetCheck] = MappingProxyType(
    {
        "special_care_is_declared": basis.special_care_is_declared,
        "acquisition_fits": basis.acquisition_fits,
    }
)
"""Checks of dataset policies, by the name that a rule pack's `check:` uses."""
