"""What other treatments of a release would cost and protect: one alternative a combination of parameters.

`alternative.py` is the record and which alternatives no other beats; one file a method says what its parameters do.
The expensive part (treating rows, counting tuples, cells or alleles) is done once, and then asked many times. For
differential privacy nothing is drawn: its errors follow from the policy.
"""
