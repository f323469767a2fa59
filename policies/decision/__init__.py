"""The decision: (policy, request, day) → admit, refuse, or a person must look, with reasons in both languages.

Reading order: `uses`, `request` (what a request says), `duo`, `mondo` (the vocabularies), `verdict`, `view`, then the
checks `purpose`, `modifiers`, `prohibitions`, `parties`, `period`, `application`; `rules` (the register of checks and the
rules that hold whatever the packs say), `decide`, `cases`.
"""
