"""What else tells of the risk of a table as it is, beside its class sizes (`anonymization.risk`).

Reading order: `records` (a table as small integers), `missing` (a missing value as a wild card), `journalist` (classes held
against a population table), `suda` (records that few attributes single out), `discovery` (sets of attributes that tell
people apart).
"""
