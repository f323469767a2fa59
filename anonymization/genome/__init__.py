"""Genome aggregates: allele counts, the membership-inference bound, and the release of a frequency table.

Reading order: `frequencies` (counting), `membership` (what an attacker may learn), `release` (floor, bound, evidence).
"""
