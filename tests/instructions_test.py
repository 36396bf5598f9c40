"""The instructions of a request stay what they are: none of these may cost 3 % more than was recorded.

The figures are those of the release build by Debian 12's compiler and libraries, by callgrind (scripts/bench
--instructions). Whoever makes a request cheaper records the new figure here, and states it in README.md.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "scripts", "lib")]

import bench_instructions  # noqa: E402

RECORDED = {
    "hit, 1 KB, memory": 7150,
    "pass, 1 KB": 15800,
    "POST, 1 KB": 19500,
    "hit, 1 KB, in Redis": 17900,
}
MARGIN = 1.03


def main():
    failed = False
    for kind, recorded in RECORDED.items():
        cost = bench_instructions.cost_of(kind)
        too_many = cost > recorded * MARGIN
        failed |= too_many
        print(f"{kind}: {cost:,.0f} instructions, recorded {recorded:,}{', TOO MANY' if too_many else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
