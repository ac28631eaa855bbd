"""The simulated world: one seed is one venue, one network, their faults, and a recorder that must come through them.

`run_world(seed, folder)` lives one through, with the code that records live: session, wire machine, recorder, tape.
"""

from papertape.testing.world.run import WorldReport, run_world

__all__ = ["WorldReport", "run_world"]
