"""Randomised histories at the seams: some fixed seeds, and with LARDER_LONG_SECONDS new ones for so
long.

A failing run prints how to repeat it. LARDER_PATIENCE: a factor of the allowances, for a slower
build.
"""
import os
import random
import time

import pytest

from support.seams.report import text_of
from support.seams.run import run
from support.seams.themes import THEMES

PATIENCE = float(os.environ.get("LARDER_PATIENCE", "1"))
LONG = float(os.environ.get("LARDER_LONG_SECONDS", "0"))
LONG_RUN = 8.0  # seconds of each of the new ones

# Theme, seed and seconds: what each of them finds stands in the tests of the mechanisms that it
# watches.
FIXED = [
    ("calm", 1, 2.5),
    ("confirmed", 1, 4),
    ("owed", 2, 4),
    ("forgotten", 2, 4),
    ("alone", 2, 3),
    ("reload alone", 3, 2),
    ("careless", 2, 1.5),
    ("replicaof", 1, 3.5),
    ("failover", 3, 3.5),
    ("late", 1, 3),
    ("strict", 1, 3),
]


@pytest.mark.parametrize("theme, seed, seconds", FIXED, ids=[theme for theme, _, _ in FIXED])
def test_every_reader_is_kept_the_promise(theme, seed, seconds):
    result = run(seed, seconds, theme, PATIENCE)
    assert result.good, "\n" + text_of(result)
    assert len(result.history.reads) > 100 and result.history.purges


@pytest.mark.skipif(not LONG, reason="LARDER_LONG_SECONDS is not set")
def test_new_seeds_for_a_long_time():
    until, bad = time.monotonic() + LONG, []
    seed = random.SystemRandom().randrange(1_000_000)
    while time.monotonic() < until:
        theme = list(THEMES)[seed % len(THEMES)]
        result = run(seed, LONG_RUN, theme, PATIENCE)
        print(text_of(result), flush=True)
        if not result.good:
            bad.append(text_of(result))
        seed += 1
    assert not bad, "\n" + "\n\n".join(bad[:5])
