"""Runs one seed, or many: /usr/bin/python3 -m support.seams --seed 17 [--seconds 10] [--theme NAME]
[--verbose]
"""
import argparse
import sys
import time

from .report import text_of
from .run import run
from .themes import THEMES


def main():
    parser = argparse.ArgumentParser(prog="support.seams", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--theme", choices=list(THEMES))
    parser.add_argument("--runs", type=int, default=1, help="so many seeds, from --seed on")
    parser.add_argument("--patience", type=float, default=1.0, help="factor of the allowances for a busy machine")
    parser.add_argument("--save", help="a file for the history")
    parser.add_argument("--log", action="store_true", help="print the larders' logs too")
    parser.add_argument("--verbose", action="store_true", help="print the seams of good runs too")
    parser.add_argument("--most", type=int, default=4, help="so many violations are shown")
    options = parser.parse_args()
    bad = 0
    for seed in range(options.seed, options.seed + options.runs):
        started = time.monotonic()
        result = run(seed, options.seconds, options.theme, options.patience)
        print(
            text_of(result, options.most, options.verbose),
            f"({time.monotonic() - started:.1f} s)",
            flush=True,
        )
        if options.log:
            for number, log in result.logs.items():
                print(f"---- log of instance {number}\n{log}")
        if options.save:
            result.history.save(options.save)
        bad += not result.good
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
