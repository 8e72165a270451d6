"""The seed of one call: different for every case and repeat, the same for all backends."""

import hashlib

SEEDS = 1 << 64
"""Seeds run from 0 to this, exclusive."""


def call_seed(run_seed: int, case_id: str | None, repeat: int) -> int:
    """An unsigned 64-bit seed, the same across backends so that they share their draws.

    The first 64 bits (big-endian) of BLAKE2b over run seed, case id and repeat, divided by the unit
    separator. A free query (``case_id`` None) takes the run's seed itself for repeat 0, so that ``--seed S``
    can be reproduced by hand. One seed per repeat for all cases would make the cases dependent and every
    interval too narrow.
    """
    if case_id is None and repeat == 0:
        return run_seed % SEEDS
    key = f"{run_seed}\x1f{case_id or ''}\x1f{repeat}"
    return int.from_bytes(hashlib.blake2b(key.encode()).digest()[:8], "big")
