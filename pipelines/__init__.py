"""When and where: sources, Dagster assets, storage zones, engines, settings, the command line.

Never here: a rule. Rules are in `policies`, what keeps them is in `anonymization`.
"""
