"""HTTP/2 in front: what a request and its response are, as in HTTP/1.1."""
from support import http2_client
from support.http2_client import NO_ERROR
from support.ports import HOST
from support.scripted_origin import Gate, chunked, cut, raw, reply

FRESH = {"Cache-Control": "max-age=60"}


def test_a_miss_then_a_hit(origin, connect):
    origin.on("GET /cached/a", reply(fields={**FRESH, "X-Own": "One"}, body=b"meow"))
    client = connect()
    missed = client.get("/cached/a")
    hit = client.get("/cached/a")
    assert (missed.status, missed.x_cache, missed.body) == (200, "MISS", b"meow")
    assert (hit.status, hit.x_cache, hit.body) == (200, "HIT", b"meow")
    assert hit.field("x-own") == "One" and hit.field("content-length") == "4"
    assert origin.count("/cached/a") == 1


def test_both_versions_share_the_cache(origin, larder, connect):
    origin.on("GET /cached/a", reply(fields=FRESH, body=b"meow"))
    assert connect().get("/cached/a").x_cache == "MISS"
    assert larder.get("/cached/a").x_cache == "HIT"
    origin.on("GET /cached/b", reply(fields=FRESH, body=b"meow"))
    assert larder.get("/cached/b").x_cache == "MISS"
    assert connect().get("/cached/b").x_cache == "HIT"


def test_what_the_origin_gets(origin, connect):
    origin.on("GET /pass", reply(body=b"x"))
    connect().get("/pass?q=1", [("x-own", "a"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")])
    (request,) = origin.requests("/pass")
    assert (request.target, request.version) == ("/pass?q=1", "HTTP/1.1")
    assert request.all("host") == ["api.test"]
    assert request.all("cookie") == ["a=1; b=2"]
    assert request.field("x-own") == "a" and request.field("te") is None
    assert request.field("via") == "2.0 larder"
    assert request.field("x-forwarded-proto") == "http" and request.field("x-forwarded-for") == HOST


def test_host_in_place_of_authority(origin, connect):
    origin.on("GET /pass", reply(body=b"x"))
    client = connect()
    pairs = [(":method", "GET"), (":scheme", "http"), (":path", "/pass"), ("host", "other.test")]
    assert client.response(client.start_with(pairs)).status == 200
    assert origin.requests("/pass")[0].all("host") == ["other.test"]


def test_a_body_with_its_length(origin, connect):
    origin.on("POST /pass", lambda request: reply(body=request.body[::-1]))
    body = bytes(range(256)) * 2000
    client = connect()
    answer = client.request("POST", "/pass", {"content-length": "5"}, b"abcde")
    assert answer.body == b"edcba"
    stream = client.start("POST", "/pass", {"content-length": str(len(body))}, end=False)
    send_within_windows(client, stream, body)
    assert client.response(stream).body == body[::-1]
    assert [request.field("content-length") for request in origin.requests()] == ["5", str(len(body))]


def test_a_body_without_a_length_and_its_trailers(origin, connect):
    origin.on("POST /pass", lambda request: reply(body=request.body))
    client = connect()
    stream = client.start("POST", "/pass", {"trailer": "x-sum"}, end=False)
    client.data(stream, b"one ")
    client.data(stream, b"two")
    client.trailers(stream, [("x-sum", "7"), ("content-length", "7")])
    assert client.response(stream).body == b"one two"
    (request,) = origin.requests()
    assert request.field("transfer-encoding") == "chunked"
    assert request.trailers == [("x-sum", "7")]


def send_within_windows(client, stream, body):
    """Sends a large body as the client's windows allow."""
    of_stream, of_connection, seen = 65535, 65535, 0
    while body:
        for _id, increment in client.window_updates[seen:]:
            of_stream += increment if _id == stream else 0
            of_connection += increment if _id == 0 else 0
        seen = len(client.window_updates)
        size = min(of_stream, of_connection, len(body), 16384)
        if not size:
            client.read_until(lambda: len(client.window_updates) > seen)
            continue
        client.data(stream, body[:size], end=size == len(body))
        of_stream, of_connection, body = of_stream - size, of_connection - size, body[size:]


def test_trailers_of_a_response(origin, connect):
    origin.on("GET /pass", chunked(b"one", b"two", trailers={"X-Sum": "6"}))
    answer = connect().get("/pass", {"te": "trailers"})
    assert answer.body == b"onetwo" and answer.trailers == [("x-sum", "6")] and answer.ended
    assert answer.field("transfer-encoding") is None


def test_interim_responses(origin, connect):
    origin.on("GET /pass", reply(body=b"x").interim("103 Early Hints", {"Link": "</a>"}))
    answer = connect().get("/pass")
    assert [dict(fields) for fields in answer.interim] == [{":status": "103", "link": "</a>"}]
    assert answer.body == b"x"


def test_expect_continue(origin, connect):
    origin.on("POST /pass", lambda request: reply(body=request.body))
    client = connect()
    stream = client.start("POST", "/pass", {"expect": "100-continue", "content-length": "3"}, end=False)
    client.read_until(lambda: client.streams[stream].interim)
    client.data(stream, b"abc", end=True)
    assert client.response(stream).body == b"abc"
    assert client.streams[stream].interim[0][0] == (":status", "100")


def test_head(origin, connect):
    origin.on("/cached/a", reply(fields=FRESH, body=b"meow"))
    client = connect()
    for wanted in ("MISS", "HIT"):
        client.get("/cached/a")
        answer = client.request("HEAD", "/cached/a")
        assert (answer.status, answer.body, answer.field("content-length"), answer.frames) == (200, b"", "4", 0)
    assert answer.x_cache == "HIT"


def test_conditions_and_ranges(origin, connect):
    origin.on("/cached/a", reply(fields={**FRESH, "ETag": '"1"'}, body=b"0123456789"))
    client = connect()
    client.get("/cached/a")
    unchanged = client.get("/cached/a", {"if-none-match": '"1"'})
    assert (unchanged.status, unchanged.body, unchanged.x_cache) == (304, b"", "HIT")
    part = client.get("/cached/a", {"range": "bytes=2-4"})
    assert (part.status, part.body, part.field("content-range")) == (206, b"234", "bytes 2-4/10")


def test_requests_at_once_cost_one_fetch(origin, connect):
    gate = Gate()
    origin.on("GET /cached/a", reply(fields=FRESH, body=b"meow").after(gate))
    client, other = connect(), connect()
    streams = [client.start("GET", "/cached/a") for _ in range(20)]
    joined = other.start("GET", "/cached/a")
    gate.wait_for()
    gate.open()
    assert all(client.response(stream).body == b"meow" for stream in streams)
    assert other.response(joined).body == b"meow"
    assert origin.count("/cached/a") == 1


def test_a_slow_answer_stops_no_other(origin, connect):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    origin.on("GET /fast", reply(body=b"fast"))
    client = connect()
    slow = client.start("GET", "/slow")
    assert client.get("/fast").body == b"fast"
    gate.open()
    assert client.response(slow).body == b"slow"


def test_a_write_purges(origin, wire):
    larder = wire(extra="  - {match: 'PUT /cached/{name}', purge: ['cached:{name}']}")
    origin.on("GET /cached/a", reply(fields=FRESH, body=b"1"), reply(fields=FRESH, body=b"2"))
    origin.on("PUT /cached/a", reply())
    with http2_client.Connection(larder.port) as client:
        assert [client.get("/cached/a").body for _ in range(2)] == [b"1", b"1"]
        assert client.request("PUT", "/cached/a", body=b"new").status == 200
        assert client.get("/cached/a").body == b"2"
        assert client.request("PURGE", "/cached/a").status == 200
        assert client.get("/cached/a").x_cache == "MISS"


def test_a_large_body_in_windows(origin, connect):
    body = bytes(range(256)) * 8192
    origin.on("GET /cached/large", reply(fields=FRESH, body=body))
    client = connect()
    assert client.get("/cached/large").body == body
    assert client.get("/cached/large").body == body


def test_a_response_that_is_cut_resets_its_stream(origin, connect):
    origin.on("GET /pass", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", cut))
    origin.on("GET /other", reply(body=b"x"))
    client = connect()
    answer = client.get("/pass")
    assert answer.reset not in (None, NO_ERROR) and answer.body in (b"half", b"") and not answer.ended
    assert client.get("/other").body == b"x"


def test_an_answer_before_the_end_of_the_body(origin, connect):
    origin.on("POST /pass", reply("413 Content Too Large", body=b"no").without_reading_body())
    client = connect()
    stream = client.start("POST", "/pass", {"content-length": "100000"}, end=False)
    client.data(stream, b"x" * 1000)
    answer = client.response(stream)
    assert answer.status == 413
    client.read_until(lambda: client.streams[stream].reset is not None)
    assert answer.reset == NO_ERROR


def test_a_body_larger_than_allowed(origin, wire):
    larder = wire(limits="{body_bytes: 1KB}")
    with http2_client.Connection(larder.port) as client:
        stream = client.start("POST", "/pass", {"content-length": "5000"}, end=False)
        assert client.response(stream).status == 413
        stream = client.start("POST", "/pass", end=False)
        client.data(stream, b"x" * 5000)
        assert client.response(stream).status == 413


def test_a_body_that_stalls(origin, wire):
    larder = wire(limits="{body_timeout: 300ms}")
    with http2_client.Connection(larder.port) as client:
        stream = client.start("POST", "/pass", {"content-length": "5"}, end=False)
        client.data(stream, b"ab")
        assert client.response(stream).status == 408
