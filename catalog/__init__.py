"""What others see, and what must be remembered: catalog records, requests, permits, sealed extracts, ledger, audit, keys.

Never here: starting a pipeline run, or reading any zone but `released`.
"""
