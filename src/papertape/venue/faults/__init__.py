"""Faults on command: what can be broken, when it is, and how frames are bent meanwhile. Nothing in here reads a clock or writes to a socket."""
