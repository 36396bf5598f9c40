"""Rules about several requests at a time or options of a route: joined fetches, stale answers, leaders that leave."""
import concurrent.futures
import time

import pytest

from support.scripted_origin import Gate, chunked, cut, raw, reply
from support.waiting import until

from conformance import at

STALE = [("Cache-Control", "max-age=10"), ("Age", "20"), ("ETag", '"a"')]


def gather(count, work):
    pool = concurrent.futures.ThreadPoolExecutor(count)
    return pool, [pool.submit(work, number) for number in range(count)]


def results(pool, futures):
    try:
        return [future.result(30) for future in futures]
    finally:
        pool.shutdown(wait=False)


def test_fifty_join_a_fetch_that_streams_slowly(origin, larder):
    """RFC 9111, 4: one fetch; each of those who join gets all of it, at its own pace."""
    head, tail = Gate(), Gate()
    first, second = b"a" * 100000, b"b" * 300000
    origin.on("/cached/x", chunked(head, first, tail, second))
    pool, futures = gather(50, lambda number: larder.get("/cached/x"))
    head.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 50)
    head.open()
    slow = larder.connect()
    slow.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
    slow.read_head()
    tail.open()
    answers = results(pool, futures)
    assert {answer.body for answer in answers} == {first + second}
    assert sum("collapsed" in answer.cache_status for answer in answers) == 49
    assert b"".join(iter(slow.read_chunk, b"")) == first + second
    slow.close()
    assert origin.count("/cached/x") == 1


def test_a_leader_that_leaves_does_not_end_the_fetch_of_others(origin, larder):
    gate = Gate()
    origin.on("/cached/x", chunked(b"one", gate, b"two"))
    leader = larder.connect()
    leader.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
    leader.read_head()
    pool, futures = gather(3, lambda number: larder.get("/cached/x"))
    until(lambda: larder.metrics().total("larder_client_connections") >= 4)
    leader.close()
    gate.open()
    assert [answer.body for answer in results(pool, futures)] == [b"onetwo"] * 3
    assert larder.get("/cached/x").x_cache == "HIT" and origin.count("/cached/x") == 1


def test_a_leader_that_leaves_alone_still_fills_where_little_is_missing(origin, larder):
    gate = Gate()
    origin.on("/cached/x", chunked(b"one", gate, b"two"))
    with larder.connect() as leader:
        leader.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        leader.read_head()
    gate.open()
    until(lambda: larder.get("/cached/x").x_cache == "HIT")
    assert origin.count("/cached/x") == 1


def test_those_who_joined_an_uncacheable_answer_ask_at_once(origin, larder):
    """The origin sees all of the others before it has answered any of them."""
    first, others = Gate(), Gate()
    origin.on(
        "/cached/x",
        reply(fields={"Cache-Control": "no-store"}, body=b"1").after(first),
        reply(fields={"Cache-Control": "no-store"}, body=b"2").after(others),
    )
    pool, futures = gather(10, lambda number: larder.get("/cached/x"))
    first.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 10)
    first.open()
    others.wait_for(9)
    others.open()
    assert sorted(answer.body for answer in results(pool, futures)) == [b"1"] + [b"2"] * 9


def test_after_a_failed_fetch_one_of_those_who_waited_tries_again_for_all(origin, larder):
    gate = Gate()
    origin.on("/cached/x", raw(gate, cut), reply(body=b"good"))
    pool, futures = gather(10, lambda number: larder.get("/cached/x"))
    gate.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 10)
    gate.open()
    answers = results(pool, futures)
    assert sorted(answer.status for answer in answers) == [200] * 9 + [502]
    assert {answer.body for answer in answers if answer.status == 200} == {b"good"}
    assert origin.count("/cached/x") == 2


def test_a_dead_origin_fails_all_who_wait_soon(origin, larder):
    gate = Gate()
    origin.on("/cached/x", raw(gate, cut))
    pool, futures = gather(10, lambda number: larder.get("/cached/x"))
    gate.wait_for(1)
    gate.open()
    assert {answer.status for answer in results(pool, futures)} == {502}
    assert origin.count("/cached/x") <= 11


def test_what_private_names_is_not_for_those_who_joined(origin, larder):
    """RFC 9111, 5.2.2.7."""
    gate = Gate()
    origin.on(
        "/cached/x",
        reply(
            fields=[("Cache-Control", 'private="x-user", max-age=60'), ("X-User", "me"), ("X-All", "all")], body=b"b"
        ).after(gate),
    )
    pool, futures = gather(5, lambda number: larder.get("/cached/x"))
    gate.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 5)
    gate.open()
    answers = results(pool, futures)
    assert sorted(str(answer.field("x-user")) for answer in answers) == ["None"] * 4 + ["me"]
    assert {answer.field("x-all") for answer in answers} == {"all"}


def test_what_must_be_confirmed_is_not_shared_once_it_streams(origin, larder):
    """RFC 9111, 5.2.2.4: whoever comes after the answer began asks for himself."""
    gate = Gate()
    origin.on(
        "/cached/x",
        chunked(b"one", gate, fields=[("Cache-Control", "no-cache"), ("ETag", '"a"')]),
        reply(fields=[("Cache-Control", "no-cache"), ("ETag", '"b"')], body=b"two"),
    )
    with larder.connect() as leader:
        leader.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        leader.read_head()
        assert larder.get("/cached/x").body == b"two"
        gate.open()
        assert b"".join(iter(leader.read_chunk, b"")) == b"one"


def test_trailers_reach_those_who_join_too(origin, larder):
    gate = Gate()
    origin.on("/cached/x", chunked(b"one", gate, b"two", fields=[("Trailer", "X-Sum")], trailers=[("X-Sum", "7")]))
    with larder.connect() as leader, larder.connect() as follower:
        for client in (leader, follower):
            client.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        gate.wait_for(1)
        gate.open()
        for client in (leader, follower):
            answer = client.read_response()
            assert answer.body == b"onetwo"
            assert answer.x_cache == "HIT" or answer.trailers == [("X-Sum", "7")]


def test_interim_responses_come_in_order_before_the_answer(origin, larder):
    """RFC 9110, 15.2."""
    origin.on(
        "/cached/x",
        reply(body=b"x")
        .interim("103 Early Hints", {"Link": "</a>"})
        .interim("102 Processing")
        .interim("103 Early Hints", {"Link": "</b>"}),
    )
    answer = larder.get("/cached/x")
    assert [(one.status, one.field("link")) for one in answer.interim] == [(103, "</a>"), (102, None), (103, "</b>")]
    assert larder.get("/cached/x").interim == [] and larder.get("/cached/x").x_cache == "HIT"


def test_the_stale_answer_is_refreshed_by_one_request_alone(origin, wire):
    """RFC 5861, 3."""
    gate = Gate()
    origin.on(
        "/cached/x",
        reply(fields=[("Cache-Control", "max-age=10, stale-while-revalidate=60"), ("Age", "20")], body=b"old"),
        reply(body=b"new").after(gate),
    )
    larder = wire()
    assert larder.get("/cached/x").body == b"old"
    pool, futures = gather(20, lambda number: larder.get("/cached/x"))
    answers = results(pool, futures)
    assert {(answer.x_cache, answer.body) for answer in answers} == {("UPDATING", b"old")}
    assert all(int(answer.field("age")) >= 20 for answer in answers)
    gate.open()
    until(lambda: larder.get("/cached/x").body == b"new")
    assert origin.count("/cached/x") == 2


@pytest.mark.parametrize(
    "route, answers, purged",
    [
        ("ttl: 60, stale_while_revalidate: 60s", [reply(body=b"old"), reply(body=b"new")], ("UPDATING", b"old")),
        ("ttl: 60, stale_if_error: 60s", [reply(body=b"old"), reply("503 No", body=b"bad")], ("STALE", b"old")),
        (
            "ttl: 60",
            [reply(fields={"ETag": '"a"'}, body=b"old"), reply("304 Not Modified", {"ETag": '"a"'})],
            ("REVALIDATED", b"old"),
        ),
        ("ttl: 60", [reply(body=b"old"), reply(body=b"new")], ("EXPIRED", b"new")),
        ("ttl: 60", [reply(body=b"old"), reply("503 No", body=b"bad")], ("EXPIRED", b"bad")),
    ],
)
def test_after_a_soft_purge(origin, wire, route, answers, purged):
    origin.on("/cached/x", *answers)
    larder = wire(route=route)
    larder.get("/cached/x")
    assert larder.purge(keys=["cached:x"], soft=True).status == 200
    answer = larder.get("/cached/x")
    assert (answer.x_cache, answer.body) == purged


@pytest.mark.parametrize("fault", ["closed", "refused", "timeout", "503"])
def test_stale_if_error_of_the_route(origin, wire, fault):
    """RFC 5861, 4."""
    gate = Gate()
    origin.on(
        "/cached/x",
        reply(fields=[("Expires", at(-5)), ("ETag", '"a"')], body=b"old"),
        {"closed": raw(cut), "refused": raw(cut), "timeout": reply(body=b"late").after(gate), "503": reply("503 No")}[
            fault
        ],
    )
    larder = wire(
        route="ttl: 60, stale_if_error: 60s", origin_text="{servers: [\"%s\"], response_timeout: 1s}" % origin.url
    )
    larder.get("/cached/x")
    if fault == "refused":
        origin.stop()
    answer = larder.get("/cached/x")
    gate.open()
    assert (answer.x_cache, answer.body) == ("STALE", b"old"), answer
    assert answer.cache_status.startswith("larder; hit; ttl=") and "detail=origin-error" in answer.cache_status


def test_an_uncacheable_key_becomes_cacheable_again(origin, larder):
    no = reply(fields={"Cache-Control": "no-store"}, body=b"no")
    origin.on("/cached/x", no, no, no, reply(body=b"yes"))
    until(lambda: larder.get("/cached/x").x_cache == "HIT", timeout=10)
    assert origin.count("/cached/x") <= 400


def test_a_client_that_leaves_a_download_is_not_the_origins_fault(origin, wire):
    gate = Gate()
    origin.on(
        "/cached/x",
        raw(
            b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000,
            gate,
            b"x" * 4000000,
            cut,
        ),
    )
    larder = wire()
    with larder.connect() as client:
        client.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        client.read_head()
    gate.open()
    until(lambda: origin.open_connections() == 0)
    assert larder.metrics().total("larder_origin_errors_total") == 0


def test_a_part_of_something_large_that_is_not_stored_is_asked_for_as_a_part(origin, wire):
    """RFC 9110, 14.2."""
    whole = bytes(range(256)) * 2000

    def answer(request):
        if request.field("range") == "bytes=5-9":
            return reply(
                "206 Partial Content",
                {"Content-Range": f"bytes 5-9/{len(whole)}", "Cache-Control": "no-store"},
                whole[5:10],
            )
        return reply(fields={"Cache-Control": "no-store"}, body=whole)

    origin.on("/cached/x", answer)
    larder = wire()
    for _ in range(3):
        got = larder.get("/cached/x", {"Range": "bytes=5-9"})
        assert (got.status, got.body) == (206, whole[5:10])


@pytest.mark.parametrize(
    "route, fields, status, second",
    [
        ("ttl: 60, ignore: [vary]", {"Vary": "Foo"}, "200 OK", "HIT"),
        ("ttl: 60, ignore: [vary]", {"Vary": "*"}, "200 OK", "HIT"),
        ("ttl: 60, ignore: [cache-control]", {"Cache-Control": "private"}, "200 OK", "HIT"),
        ("ttl: 60, status_ttl: {404: 10s, 500: 5s}", {}, "500 No", "HIT"),
        ("ttl: 60, status_ttl: {404: 10s}", {"Cache-Control": "no-store"}, "404 No", "MISS"),
        ("ttl: 60, max_object: 1KB", {}, "200 OK", "MISS"),
        ("heuristic: 10%", {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, "200 OK", "HIT"),
        ("ttl: 60, memory: off", {}, "200 OK", "MISS"),
    ],
)
def test_a_routes_options(origin, wire, route, fields, status, second):
    origin.on("/cached/x", lambda request: reply(status, fields, b"a body of some bytes" * 100))
    larder = wire(route=route)
    larder.get("/cached/x", {"Foo": "1"})
    assert larder.get("/cached/x", {"Foo": "2"}).x_cache == second


@pytest.mark.parametrize("ignored, fields", [("cookie", {"Cookie": "a=1"}), ("authorization", {"Authorization": "x"})])
def test_a_route_may_ignore_credentials(origin, wire, ignored, fields):
    origin.on("/cached/x", reply(body=b"all"))
    larder = wire(route=f"ttl: 60, ignore: [{ignored}]")
    larder.get("/cached/x", fields)
    assert larder.get("/cached/x").x_cache == "HIT"


def test_variants_are_bounded_and_the_newest_stay(origin, larder):
    """RFC 9111, 4.1."""
    origin.on("/cached/x", lambda request: reply(fields={"Vary": "Foo"}, body=request.field("foo")))
    for number in range(100):
        assert larder.get("/cached/x", {"Foo": str(number)}).body == str(number).encode()
    assert larder.get("/cached/x", {"Foo": "99"}).x_cache == "HIT"
    assert larder.get("/cached/x", {"Foo": "0"}).x_cache == "MISS"
    assert larder.metrics().total("larder_memory_entries") <= 64


def test_an_answer_that_varies_by_forwarding_fields_varies_by_what_the_origin_saw(origin, larder):
    """RFC 9111, 4.1: a client's own X-Forwarded-* never reach the origin, so they split nothing."""
    origin.on(
        "/cached/x",
        lambda request: reply(
            fields={"Vary": "X-Forwarded-For, X-Forwarded-Proto, X-Real-IP"}, body=request.field("x-forwarded-for")
        ),
    )
    assert larder.get("/cached/x").body == b"127.0.0.1"
    for fields in ({"X-Forwarded-For": "1.1.1.1"}, {"X-Forwarded-Proto": "https"}, {"X-Real-IP": "1.1.1.1"}):
        assert larder.get("/cached/x", fields).x_cache == "HIT"
    assert origin.count("/cached/x") == 1


def test_a_trusted_peers_forwarding_fields_split_the_variants(origin, wire):
    origin.on(
        "/cached/x", lambda request: reply(fields={"Vary": "X-Forwarded-For"}, body=request.field("x-forwarded-for"))
    )
    larder = wire(extra="trusted_proxies: [127.0.0.0/8]")
    assert larder.get("/cached/x", {"X-Forwarded-For": "1.1.1.1"}).body == b"1.1.1.1, 127.0.0.1"
    assert larder.get("/cached/x", {"X-Forwarded-For": "2.2.2.2"}).body == b"2.2.2.2, 127.0.0.1"
    assert larder.get("/cached/x", {"X-Forwarded-For": "1.1.1.1"}).x_cache == "HIT"


def test_of_two_variants_that_match_the_newer_answers(origin, larder):
    """RFC 9111, 4.1."""
    origin.on("/cached/x", reply(fields={"Vary": "Foo"}, body=b"old"), reply(fields={"Vary": "Bar"}, body=b"new"))
    larder.get("/cached/x", {"Foo": "1", "Bar": "1"})
    larder.get("/cached/x", {"Foo": "2", "Bar": "1"})
    until(lambda: larder.get("/cached/x", {"Foo": "1", "Bar": "1"}).body == b"new")
    assert origin.count("/cached/x") == 2
