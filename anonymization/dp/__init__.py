"""Differential privacy: plan, bound, draw. The only package that calls OpenDP.

Reading order: `plan` (what is asked and what it costs), `queries/` (one module a statistic), `bounding` (what one person may change), `mechanism` (OpenDP's
discrete Gaussian), `release` (noisy tables and their evidence). The budget itself is kept by `catalog.ledger`.
"""
