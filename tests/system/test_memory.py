"""What memory is held for, and what happens when there is none."""
import resource
import subprocess

import pytest

from support.configurations import ARTICLES
from support.larder import binary
from support.scripted_origin import reply
from support.waiting import Later

MB = 1 << 20
ONE_READ_ROUTE = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 2
memory: 4GB
routes:
  - {match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}
"""


def is_sanitized():
    names = subprocess.run(["nm", "-D", binary()], capture_output=True).stdout
    return b"__asan_init" in names or b"__tsan_init" in names


plain_only = pytest.mark.skipif(is_sanitized(), reason="a sanitizer's memory is not the program's")


@plain_only
def test_a_body_is_let_go_when_its_fetch_has_ended(origin, redis, start_larder):
    """Nothing that goes on for a while after a fetch, as the care for its lease, may hold what was fetched."""
    body = b"d" * (4 * MB)
    for number in range(60):
        origin.on(f"/articles/{number}", reply(body=body))
    larder = start_larder(ARTICLES.replace("<memory>", "off"), origin=origin.url, redis=redis.url)
    larder.wait_for_redis()
    before, most = larder.resident_bytes(), 0
    with larder.connect() as client:
        for number in range(60):
            assert len(client.get(f"/articles/{number}").body) == len(body)
            most = max(most, larder.resident_bytes() - before)
    print(f"\n60 misses of 4 MB: grew by {most / MB:.0f} MB")
    assert most < 60 * MB


@plain_only
def test_where_memory_is_short_requests_fail_and_nothing_else(origin, start_larder):
    """Each failure is an exception inside a fetch: no client waits for ever, and the fetch gives back what it held."""
    for number in range(60):
        origin.on(f"/cached/{number}", reply(body=b"d" * (4 * MB)))
    origin.on("/cached/small", reply(body=b"small"))
    larder = start_larder(ONE_READ_ROUTE, origin=origin.url)
    assert larder.get("/cached/small").body == b"small"

    def outcome(number):
        try:
            return larder.get(f"/cached/{number}", timeout=10).status
        except ConnectionError:
            return "ended"

    with open(f"/proc/{larder.process.pid}/status") as status:
        used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    limit = resource.prlimit(larder.process.pid, resource.RLIMIT_DATA)
    resource.prlimit(larder.process.pid, resource.RLIMIT_DATA, (used + 30 * MB, limit[1]))
    outcomes = [later.finish() for later in [Later(outcome, number) for number in range(60)]]
    resource.prlimit(larder.process.pid, resource.RLIMIT_DATA, limit)
    assert set(outcomes) <= {200, 502, "ended"} and outcomes.count(200) < 60
    assert larder.metrics().total("larder_internal_errors_total") > 0
    assert "a fetch failed: std::bad_alloc" in larder.log()
    assert larder.get("/cached/small").x_cache == "HIT"
    assert [outcome(number) for number in range(20)] == [200] * 20
