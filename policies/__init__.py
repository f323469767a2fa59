"""What is allowed: the policy files, and the code that loads, checks and explains them.

Belongs here: rules, vocabulary, the errors people read. Does not: anything that touches data.
"""
