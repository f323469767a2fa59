"""Synthetic people from noisy marginals: everything after the draw is post-processing.

Reading order: `domain` (public columns, bins, impossible combinations), `plan` (cliques and shares of ρ, from public facts
alone), `people` (one coded row a person), `tree` and `model` (the distribution that fits the noisy marginals), `selection`
(which marginals to measure next, by noisy maximum), `release` (draw, fit, sample, accept). The budget is `catalog.ledger`'s.
"""
