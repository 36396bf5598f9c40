"""What comes out of Redis (no memory tier) goes to clients as what comes out of memory does."""
import pytest

from support import http2_client
from support.scripted_origin import reply

TEXT = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: off
threads: 1
routes: [{match: "GET /a/{id}", key: "a:{id}", ttl: 60}]
"""
SIZES = [0, 10, 100_000, 3_000_000]


@pytest.fixture
def larder(origin, redis, start_larder):
    for size in SIZES:
        origin.on(f"GET /a/{size}", reply(fields={"ETag": f'"{size}"'}, body=b"x" * size))
    started = start_larder(TEXT, origin=origin.url, redis=redis.url)
    started.wait_for_redis()
    for size in SIZES:
        assert started.get(f"/a/{size}").x_cache == "MISS"
    return started


def check(answer, size):
    assert (answer.status, answer.x_cache, len(answer.body)) == (200, "HIT", size)
    assert answer.field("content-length") == str(size) and answer.field("etag") == f'"{size}"'
    assert answer.field("age") is not None


@pytest.mark.parametrize("size", SIZES)
def test_over_http_1(larder, size):
    with larder.connect() as client:
        for _ in range(3):
            check(client.request("GET", f"/a/{size}"), size)
        head = client.request("HEAD", f"/a/{size}")
        assert (head.x_cache, head.field("content-length"), head.body) == ("HIT", str(size), b"")
        assert client.request("GET", f"/a/{size}", {"If-None-Match": f'"{size}"'}).status == 304
        check(client.request("GET", f"/a/{size}", {"Connection": "close"}), size)
        assert client.is_closed_by_peer()


def test_pipelined(larder):
    with larder.connect() as client:
        client.send(b"".join(b"GET /a/%d HTTP/1.1\r\nHost: api.test\r\n\r\n" % size for size in SIZES * 3))
        for size in SIZES * 3:
            check(client.read_response(), size)


def test_to_a_client_that_reads_slowly(larder):
    with larder.connect(receive_buffer=4096) as slow:
        slow.send(b"GET /a/3000000 HTTP/1.1\r\nHost: api.test\r\n\r\n")
        check(larder.get("/a/10"), 10)  # meanwhile
        check(slow.read_response(), 3_000_000)
        check(slow.request("GET", "/a/10"), 10)


@pytest.mark.parametrize("size", SIZES)
def test_over_http_2(larder, size):
    client = http2_client.Connection(larder.port)
    try:
        for _ in range(3):
            check(client.get(f"/a/{size}"), size)
        assert client.get(f"/a/{size}", [("if-none-match", f'"{size}"')]).status == 304
        check(client.get(f"/a/{size}"), size)
    finally:
        client.close()
