"""The checks that rule packs name, one small pure function a rule; the table below is the only way in.

A check takes a view (`view.py`) and the parameters of its rule, and yields problems. It reads no file and no clock.
Reading order: `view`, `identifiers`, `unusual`, `basis`, `publication`, `consistency`; then `columns`, `treatments`
and `conditions`, which hold for every policy file whichever packs it lists.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from policies.rules import (
    basis,
    consistency,
    ehds,
    ethics,
    future,
    hipaa,
    identifiers,
    incidents,
    ngmi,
    publication,
    sharing,
    unusual,
)
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
        "maker_is_certified": ngmi.maker_is_certified,
        "anonymized_standard_is_met": ngmi.anonymized_standard_is_met,
        "pseudonymized_standard_is_met": ngmi.pseudonymized_standard_is_met,
        "users_are_certified": ngmi.users_are_certified,
        "results_are_supervised": ngmi.results_are_supervised,
        "penalties_are_told": ngmi.penalties_are_told,
        "guideline_examples_are_followed": ngmi.guideline_examples_are_followed,
        "ledger_is_kept": ngmi.ledger_is_kept,
        "pseudonymized_linkage_waits": ngmi.pseudonymized_linkage_waits,
        "terms_are_statutory": ethics.terms_are_statutory,
        "consent_ladder_is_climbed": ethics.consent_ladder_is_climbed,
        "study_records_are_kept": ethics.study_records_are_kept,
        "foreign_provision_is_approved": ethics.foreign_provision_is_approved,
        "genomes_stay_in_environment": sharing.genomes_stay_in_environment,
        "tier_fits_delivery": sharing.tier_fits_delivery,
        "security_is_enough": sharing.security_is_enough,
        "keys_are_coded_twice": sharing.keys_are_coded_twice,
        "bulk_data_stay_away": sharing.bulk_data_stay_away,
        "identifiers_are_absent": hipaa.identifiers_are_absent,
        "zip_codes_are_wide": hipaa.zip_codes_are_wide,
        "dates_are_years": hipaa.dates_are_years,
        "ages_end_at_ninety": hipaa.ages_end_at_ninety,
        "way_is_shown": hipaa.way_is_shown,
        "environment_is_controlled": ehds.environment_is_controlled,
        "label_is_complete": ehds.label_is_complete,
        "pseudonymized_is_personal": ehds.pseudonymized_is_personal,
        "three_tests_are_passed": ehds.three_tests_are_passed,
        "health_metadata_are_there": ehds.health_metadata_are_there,
        "exception_is_in_force": future.exception_is_in_force,
        "statistics_exception_has_conditions": future.statistics_exception_has_conditions,
    }
)
"""Checks of release policies, by the name that a rule pack's `check:` uses."""

DATASET_CHECKS: Mapping[str, DatasetCheck] = MappingProxyType(
    {
        "special_care_is_declared": basis.special_care_is_declared,
        "acquisition_fits": basis.acquisition_fits,
        "leaks_are_reported": incidents.leaks_are_reported,
        "notice_is_given": ngmi.notice_is_given,
        "waiting_is_over": ngmi.waiting_is_over,
        "stop_requests_are_receipted": ngmi.stop_requests_are_receipted,
        "requesters_are_entitled": ngmi.requesters_are_entitled,
        "safety_is_checked": ngmi.safety_is_checked,
        "public_databases_are_linkable": ngmi.public_databases_are_linkable,
        "findings_have_a_plan": ethics.findings_have_a_plan,
        "plan_is_made": sharing.plan_is_made,
        "consent_follows_model_text": sharing.consent_follows_model_text,
        "conditions_are_met": sharing.conditions_are_met,
        "category_is_declared": ehds.category_is_declared,
        "decisions_are_published": ehds.decisions_are_published,
        "conditions_are_public": ehds.conditions_are_public,
        "description_is_fresh": ehds.description_is_fresh,
    }
)
"""Checks of dataset policies, by the name that a rule pack's `check:` uses."""
