"""How data are made safe: functions over Ibis expressions, Arrow tables and numpy arrays.

Never here: files, sockets, clocks, environment, logging. The one impurity is randomness that must not be repeatable:
differential-privacy noise, and ids whose map is never stored.
"""
