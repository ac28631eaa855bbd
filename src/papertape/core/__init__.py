"""The vocabulary: instruments, records, money, fixed point, clock, draws, errors, actions, and the pure twins of book and bars.

What belongs here is what every room speaks. PURE: no clock, no file, no socket, no chance.
"""
