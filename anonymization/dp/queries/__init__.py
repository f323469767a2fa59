"""One module a statistic: how it is laid on public cells, what one person may move, how noisy cells become an answer.

Belongs here: data-free plans, row-wise preparation by public bounds, post-processing. Does not: bounding, noise.
"""
