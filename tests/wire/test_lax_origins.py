"""larder accepts lax framing that can be read in one way only, and passes on and stores a clean message."""
import pytest

from support.scripted_origin import cut, raw, reply
from support.waiting import until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"

LAX = {
    "no space behind the status": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "two spaces before the status": b"HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "LF for CRLF": b"HTTP/1.1 200 OK\nContent-Length: 5\nX: a\n\nhello",
    "LF in one line": OK + b"X: a\nContent-Length: 5\r\n\r\nhello",
    "LF for the empty line": OK + b"Content-Length: 5\r\n\nhello",
    "LF and no space": b"HTTP/1.1 200\nContent-Length: 5\n\nhello",
    "two equal lengths": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of equal lengths": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "a length with zeros": OK + b"Content-Length: 0005\r\n\r\nhello",
    "LF, until the end": b"HTTP/1.1 200 OK\n\nhello",
    "chunks with LF": b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nhel\n2\nlo\n0\n\n",
    "LF behind a size": CHUNKS + b"5\nhello\r\n0\r\n\r\n",
    "LF behind the data": CHUNKS + b"5\r\nhello\n0\r\n\r\n",
    "LF at the end": CHUNKS + b"5\r\nhello\r\n0\r\n\n",
    "blanks around a size": CHUNKS + b"5  \r\nhello\r\n 0\t\r\n\r\n",
}


def is_clean(response):
    """The client under support/ refuses what is not well-formed; the rest is looked at here."""
    lengths = response.all("content-length")
    assert response.head.startswith(b"HTTP/1.1 200 ") and lengths in ([], ["5"]), response.head
    assert response.body == b"hello"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("data", LAX.values(), ids=LAX)
def test_a_lax_response_is_passed_on_clean(origin, larder, data, version):
    origin.on("/x", raw(data, cut))
    is_clean(larder.get("/x", version=version))


@pytest.mark.parametrize("data", LAX.values(), ids=LAX)
def test_a_lax_response_is_stored_clean(origin, larder, data):
    origin.on("/cached/x", raw(data, cut))
    first, second = larder.get("/cached/x"), larder.get("/cached/x")
    is_clean(first)
    is_clean(second)
    assert (first.x_cache, second.x_cache) == ("MISS", "HIT")
    assert second.all("content-length") == ["5"] and b"HTTP/1.1 200 " in second.head


def test_the_connection_goes_on_after_a_lax_response(origin, larder):
    """The end of a lax head is where the next response begins."""
    origin.on("/lax", raw(b"HTTP/1.1 200\nContent-Length: 5\nContent-Length: 5\n\nhello"))
    origin.on("/next", reply(body=b"right"))
    with larder.connect() as client:
        for _ in range(3):
            assert client.get("/lax").body == b"hello" and client.get("/next").body == b"right"
    assert len({request.connection for request in origin.requests()}) == 1


def test_a_lax_head_may_come_byte_by_byte(origin, larder):
    data = b"HTTP/1.1 200\nX: a\nContent-Length: 5, 5\n\nhello"
    origin.on("/cached/x", raw(*[bytes([byte]) for byte in data], cut))
    response = larder.get("/cached/x")
    is_clean(response)
    assert response.all("x") == ["a"]


def test_lax_trailers_are_passed_on_clean(origin, larder):
    origin.on("/x", raw(CHUNKS + b"5\r\nhello\r\n0\nX: a\nY: b\r\n\n", cut))
    response = larder.get("/x", {"TE": "trailers"})
    assert response.body == b"hello" and response.trailers == [("X", "a"), ("Y", "b")]


def test_a_lax_interim_response_is_passed_on_clean(origin, larder):
    origin.on("/x", raw(b"HTTP/1.1 103\nLink: a\n\nHTTP/1.1 200\nContent-Length: 5\n\nhello", cut))
    response = larder.get("/x")
    is_clean(response)
    assert response.interim[0].status == 103 and response.interim[0].field("link") == "a"


@pytest.mark.parametrize("status", [600, 999])
def test_9110_15_a_status_beyond_599_is_passed_and_not_stored(origin, larder, status):
    answer = reply(f"{status} Odd", body=b"odd", fields={"Cache-Control": "public, max-age=60"})
    origin.on("/cached/x", answer)
    origin.on("/x", answer)
    for place in ["/x", "/cached/x", "/cached/x"]:
        response = larder.get(place)
        assert (response.status, response.body) == (status, b"odd")
    assert origin.count("/cached/x") == 2 and "detail=status" in response.cache_status
    # A request is counted once its response was sent.
    until(lambda: larder.metrics().total("larder_requests_total", status=str(status)) == 3)
    assert larder.stats()["requests"]["by_status"]["5xx"] == 3


def test_9110_15_a_write_with_such_a_status_purges(origin, larder):
    """Nobody knows what became of it."""
    origin.on("GET /cached/x", reply(body=b"old"), reply(body=b"new"))
    origin.on("PUT /cached/x", reply("600 Odd"))
    assert larder.get("/cached/x").body == b"old" and larder.get("/cached/x").x_cache == "HIT"
    assert larder.request("PUT", "/cached/x", body=b"a").status == 600
    assert larder.get("/cached/x").body == b"new"


def test_9110_15_such_a_status_is_a_failure_that_a_stale_entry_hides(origin, wire):
    origin.on(
        "/cached/x",
        reply(body=b"old", fields={"Cache-Control": "max-age=0, stale-if-error=60", "ETag": '"a"'}),
        reply("600 Odd"),
    )
    larder = wire(route="ttl: 60")
    assert larder.get("/cached/x").body == b"old"
    response = larder.get("/cached/x")
    assert (response.status, response.body, response.x_cache) == (200, b"old", "STALE")
