"""The stages, one file each, in the data's order; each reads, calls one pure function, and writes.

raw → classified → consented → pseudonymized (a dataset's way), protected → validated → published (a release's way),
extracted (a permit's). `outcome.py` is what a stage says of its work, `metadata.py` turns that into what Dagster shows,
`assets.py` makes the assets, `checks.py` the blocking checks. Here is no rule: rules are in `policies`, what keeps them is
in `anonymization`.
"""
