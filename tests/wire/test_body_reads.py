"""QUERY and POST as reads: their body is part of the key."""
import hashlib
import json
import random

import pytest

from support.larder import run
from support.raw_client import request_bytes
from support.scripted_origin import Gate, reply
from support.waiting import Later, until

BODY_READS = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 2
limits: {key_body: 1KB}
routes:
  - {match: "QUERY /bytes", key: "bytes:{body|sha256}", ttl: 60}
  - {match: "QUERY,POST /json", key: "json:{body|json|sha256}", ttl: 60}
  - {match: "POST /city", key: "city:{body:/filters/city}", ttl: 60}
  - {match: "QUERY /of/{id}", key: "of:{id}:{body|sha256}", ttl: 60}
  - {match: "GET,QUERY /both", key: "both:{body|sha256}", ttl: 60}
  - {match: "PUT,POST /json/{id}", purge: []}
  - {match: "PUT /json", purge: []}
"""


def echo(request):
    return reply(body=request.method.encode() + b" " + request.body)


@pytest.fixture
def larder(origin, start_larder):
    for place in ("/bytes", "/json", "/city", "/both"):
        origin.on(place, echo)
    return start_larder(BODY_READS, origin=origin.url)


def ask(larder, target, body, method="QUERY", **fields):
    fields = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in fields.items()}}
    answer = larder.request(method, target, fields, body)
    assert answer.status == 200, answer
    return answer


def test_equal_bodies_are_one_entry_and_others_are_not(origin, larder):
    assert ask(larder, "/bytes", b'{"a":1}').x_cache == "MISS"
    hit = ask(larder, "/bytes", b'{"a":1}')
    assert (hit.x_cache, hit.body) == ("HIT", b'QUERY {"a":1}')
    assert ask(larder, "/bytes", b'{"a": 1}').x_cache == "MISS"
    assert ask(larder, "/bytes", b"").x_cache == "MISS"
    assert ask(larder, "/bytes", b"").x_cache == "HIT"
    assert [one.body for one in origin.requests("/bytes")] == [b'{"a":1}', b'{"a": 1}', b""]


def test_the_origin_gets_the_body_with_its_fields(origin, larder):
    ask(larder, "/bytes", b"x" * 700, Content_Language="de")
    asked = origin.requests("/bytes")[0]
    assert (asked.method, asked.body, asked.field("content-type"), asked.field("content-language")) == (
        "QUERY",
        b"x" * 700,
        "application/json",
        "de",
    )


@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding"])
def test_type_and_coding_of_the_body_are_part_of_the_key(larder, name):
    assert ask(larder, "/bytes", b"a", **{name: "one"}).x_cache == "MISS"
    assert ask(larder, "/bytes", b"a", **{name: "two"}).x_cache == "MISS"
    assert ask(larder, "/bytes", b"a", **{name: "one"}).x_cache == "HIT"


def test_the_method_is_part_of_the_key(larder):
    assert ask(larder, "/json", b"{}").body == b"QUERY {}"
    assert ask(larder, "/json", b"{}", "POST").body == b"POST {}"
    assert ask(larder, "/json", b"{}", "POST").x_cache == "HIT"
    assert larder.get("/both").body == b"GET "
    assert ask(larder, "/both", b"").body == b"QUERY "
    assert larder.get("/both").x_cache == "HIT"
    assert larder.request("HEAD", "/both").x_cache == "HIT"


def test_equal_json_is_one_entry(larder):
    assert ask(larder, "/json", b'{"b": [1.0, "\\u00e4"], "a": null}').x_cache == "MISS"
    assert ask(larder, "/json", '{"a":null,"b":[1,"ä"]}'.encode()).x_cache == "HIT"
    assert ask(larder, "/json", b'{"a":null,"b":["\\u00e4",1]}').x_cache == "MISS"


def canonical(value):
    """RFC 8785, in the words of another language."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def document(random, depth=0):
    kind = random.randrange(5 if depth > 3 else 7)
    if kind == 0:
        return random.choice([None, True, False])
    if kind == 1:
        return random.randrange(-(2**53) + 1, 2**53)
    if kind == 2:
        return random.uniform(0.001, 1) * 10 ** random.randrange(12)  # where both languages write alike
    if kind in (3, 4):
        return "".join(random.choice("aZ\"\\/\x00\x1f\x7f\näß€\ufb33😀\U0010ffff") for _ in range(random.randrange(6)))
    if kind == 5:
        return [document(random, depth + 1) for _ in range(random.randrange(4))]
    return {document_name(random): document(random, depth + 1) for _ in range(random.randrange(5))}


def document_name(random):
    return "".join(random.choice("ab\ufb33😀é\r") for _ in range(random.randrange(4)))


def explained_key(larder, body):
    said = run("explain", "-c", larder.config_file, "QUERY", "/json", "-d", body).stdout
    return said.split("key       ")[1].split("\n")[0]


def test_the_key_is_made_of_the_text_that_another_writer_of_rfc_8785_writes(larder):
    chance = random.Random(17)
    for _ in range(60):
        value = [document(chance) for _ in range(5)]
        body = json.dumps(value, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1]))
        digest = hashlib.sha256(canonical(value).encode()).hexdigest()
        assert explained_key(larder, body) == f"json:{digest}?!QUERY,,", body


def test_a_pointer_tells_bodies_apart_by_one_value(larder):
    def city(value, **rest):
        return ask(larder, "/city", json.dumps({"filters": {"city": value}, **rest}).encode(), "POST").x_cache

    assert (city("Rome"), city("Rome", page=2), city("Oslo")) == ("MISS", "HIT", "MISS")
    assert (city(1), city("1")) == ("MISS", "MISS")
    assert ask(larder, "/city", b"{}", "POST").x_cache == "MISS"
    assert ask(larder, "/city", b"[]", "POST").x_cache == "HIT"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":9007199254740993}',
        b'"\\ud800"',
        b'"\xff"',
        b"{",
        b"",
        b"[" * 900,
        b'{"a":' + b"1" * 600 + b"}",
    ],
    ids=["twice", "beyond 2^53", "surrogate", "no UTF-8", "no JSON", "empty", "deep", "endless number"],
)
def test_what_readers_may_understand_differently_is_passed(origin, larder, body):
    for _ in range(2):
        answer = ask(larder, "/json", body)
        assert answer.body == b"QUERY " + body
        assert (answer.x_cache, answer.field("cache-status").split("; ")[1:]) == (
            "BYPASS",
            ["fwd=bypass", "detail=body"],
        )
    assert origin.count("/json") == 2


@pytest.mark.parametrize("size", [1024, 1025, 100_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_above_the_limit_is_passed_whole(origin, larder, size, framing):
    body = b"x" * size
    fields = {"Content-Type": "text/plain"}
    if framing == "chunked":
        fields["Transfer-Encoding"] = "chunked"
    with larder.connect() as client:
        for _ in range(2):
            head = request_bytes("QUERY", "/bytes", fields, body)
            wire = head if framing == "length" else chunks(head, body)
            client.send(wire)
            answer = client.read_response("QUERY")
            assert answer.body == b"QUERY " + body
    words = ("MISS", "HIT") if size <= 1024 else ("BYPASS", "BYPASS")
    assert answer.x_cache == words[1]
    assert origin.count("/bytes") == (1 if size <= 1024 else 2)
    if size > 1024:
        assert "detail=body" in answer.field("cache-status")


def chunks(head, body):
    head = head[: head.index(b"\r\n\r\n") + 4]
    pieces = [body[at : at + 700] for at in range(0, len(body), 700)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_client_that_waits_for_100_continue_is_invited(origin, larder):
    with larder.connect() as client:
        client.send(b"QUERY /bytes HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(b"abc")
        assert client.read_response("QUERY").body == b"QUERY abc"
    assert origin.requests("/bytes")[0].field("expect") is None


def test_equal_queries_at_once_are_one_fetch(origin, larder):
    gate = Gate()
    origin.on("/bytes", reply(body=b"once").after(gate))
    others = [Later(lambda: ask(larder, "/bytes", b"same")) for _ in range(20)]
    gate.wait_for()
    until(lambda: larder.metrics().total("larder_client_connections") >= 20)
    gate.open()
    assert {other.finish().body for other in others} == {b"once"}
    assert origin.count("/bytes") == 1


ASIDE = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 1
routes:
  - {match: "QUERY /q", key: "q:{body|sha256}", ttl: 20, <aside>}
"""


@pytest.mark.parametrize("aside", ["audit: 100%", "refresh_ahead: 99%"])
def test_what_a_hit_has_asked_in_the_background_is_the_same_query(origin, start_larder, aside):
    larder = start_larder(ASIDE, origin=origin.url, aside=aside)
    origin.on("/q", echo)
    ask(larder, "/q", b"one")
    with larder.connect() as client:

        def asked_again():
            # The next request of the connection overwrites what the first one came in.
            client.send(request_bytes("QUERY", "/q", {"Content-Type": "application/json"}, b"one"))
            client.send(request_bytes("GET", "/other/" + "x" * 300))
            assert client.read_response("QUERY").x_cache == "HIT"
            assert client.read_response("GET").status == 404
            return origin.count("/q") >= 2

        until(asked_again)
    again = origin.requests("/q")[1]
    assert (again.method, again.body, again.field("content-type")) == ("QUERY", b"one", "application/json")


@pytest.mark.parametrize("method", ["QUERY", "POST"])
def test_a_read_by_its_body_purges_nothing(origin, larder, method):
    ask(larder, "/json", b"[1]")
    ask(larder, "/json", b"[2]", method)
    ask(larder, "/json", b"{", method)  # passed
    ask(larder, "/json", b"[3]", method, Authorization="x")
    assert ask(larder, "/json", b"[1]").x_cache == "HIT"


def test_a_write_purges_what_queries_of_its_url_stored(origin, larder):
    ask(larder, "/json", b"[1]")
    ask(larder, "/json", b"[1]", "POST")
    ask(larder, "/bytes", b"[1]")
    origin.on("DELETE /json", reply("204 No Content"))
    assert larder.request("DELETE", "/json").status == 204
    assert ask(larder, "/json", b"[1]").x_cache == "MISS"
    assert ask(larder, "/json", b"[1]", "POST").x_cache == "MISS"
    assert ask(larder, "/bytes", b"[1]").x_cache == "HIT"
    assert larder.request("PURGE", "/json").status == 200
    assert ask(larder, "/json", b"[1]").x_cache == "MISS"


def test_a_write_purges_what_a_route_of_post_alone_stored(origin, larder):
    body = b'{"filters": {"city": "Rome"}}'
    assert [ask(larder, "/city", body, "POST").x_cache for _ in range(2)] == ["MISS", "HIT"]
    origin.on("DELETE /city", reply("204 No Content"))
    larder.request("DELETE", "/city")
    assert ask(larder, "/city", body, "POST").x_cache == "MISS"


def test_a_write_purges_what_queries_of_its_path_with_parameters_stored(origin, larder):
    origin.on("/of/7;v=1", echo)
    assert [ask(larder, "/of/7;v=1", b"q").x_cache for _ in range(2)] == ["MISS", "HIT"]
    origin.on("DELETE /of/7", reply("204 No Content"))
    larder.request("DELETE", "/of/7")
    assert ask(larder, "/of/7;v=1", b"q").x_cache == "MISS"


@pytest.mark.parametrize("target", ["/json?_method=DELETE", "/json?%5fmethod=DEL%45TE", "/json?a=1;_method=delete"])
def test_a_parameter_that_asks_for_a_write_is_not_answered_from_the_cache(origin, larder, target):
    for _ in range(2):
        ask(larder, "/json", b"[1]")
        assert ask(larder, "/json", b"[1]").x_cache == "HIT"
        answer = ask(larder, target, b"[1]", "POST")
        assert (answer.x_cache, "detail=query" in answer.cache_status) == ("BYPASS", True)
        assert ask(larder, "/json", b"[1]").x_cache == "MISS"


def test_an_overridden_method_is_a_write(origin, larder):
    ask(larder, "/json", b"[1]")
    ask(larder, "/json", b"[1]", "POST", **{"X-HTTP-Method-Override": "DELETE"})
    assert ask(larder, "/json", b"[1]").x_cache == "MISS"


def test_a_query_has_conditions(origin, larder):
    origin.on("/bytes", reply(fields={"ETag": '"v1"', "Location": "/stored", "Content-Location": "/r"}, body=b"x"))
    first = ask(larder, "/bytes", b"q")
    assert (first.field("location"), first.field("content-location")) == ("/stored", "/r")
    answer = larder.request("QUERY", "/bytes", {"Content-Type": "application/json", "If-None-Match": '"v1"'}, b"q")
    assert (answer.status, answer.x_cache, answer.field("location")) == (304, "HIT", "/stored")


def test_credentials_keep_a_query_out_as_they_keep_a_get_out(larder):
    assert "detail=authorization" in ask(larder, "/bytes", b"q", Authorization="x").field("cache-status")
    assert ask(larder, "/bytes", b"q").x_cache == "MISS"


def test_half_a_body_is_no_key(origin, larder):
    with larder.connect() as client:
        client.send(b"QUERY /bytes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz")
        assert client.read_response("QUERY").status == 400
    with larder.connect() as client:
        client.send(b"QUERY /bytes HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc")
        client.finish_sending()
        assert client.is_closed_by_peer()
    assert origin.count("/bytes") == 0


def test_explain_takes_a_body(origin, larder):
    def explain(*words):
        return run("explain", "-c", larder.config_file, *words).stdout

    digest = hashlib.sha256(b"[1,2]").hexdigest()
    said = explain("QUERY", "/json", "-H", "Content-Type: application/json", "-d", "[1, 2]")
    assert f"key       json:{digest}?!QUERY,application%2Fjson,\n" in said
    assert "detail=body" in explain("QUERY", "/json", "-d", '{"a":1,"a":1}')
    assert "detail=body" in explain("QUERY", "/bytes", "-d", "x" * 1025)
    assert "purges" not in explain("POST", "/json", "-d", "{}")
