"""Several origin servers: balance, passive ejection, active health checks, names that change their address."""
import collections
import time

import pytest

from support.configurations import WIRE
from support.raw_client import request_bytes
from support.scripted_origin import Gate, ScriptedOrigin, cut, raw, reply
from support.waiting import Later, until


@pytest.fixture
def servers(scene):
    """Two more; each answers /x with its own number."""
    made = [scene(ScriptedOrigin()) for _ in range(2)]
    for number, server in enumerate(made):
        server.on("/x", reply(body=b"%d" % number))
        server.on("/health", reply(body=b"fine"))
    return made


def behind(wire, servers, more="", **named):
    return wire(origin_text="{servers: [%s]%s}" % (", ".join(server.url for server in servers), more), **named)


def answers(larder, count):
    return collections.Counter(larder.get("/x").body for _ in range(count))


def test_round_robin_takes_turns(wire, servers):
    assert answers(behind(wire, servers), 20) == {b"0": 10, b"1": 10}


def test_least_connections_goes_where_less_is_under_way(wire, servers):
    # One worker: on another one, the next request may come before the last one is counted as over.
    one_worker = WIRE.replace("threads: 2", "threads: 1")
    larder = behind(wire, servers, ", balance: least_connections", text=one_worker)
    gate = Gate()
    for server in servers:
        server.on("/slow", reply(body=b"slow").after(gate))
    slow = Later(larder.get, "/slow")
    gate.wait_for(1)
    busy = 0 if servers[0].count("/slow") else 1
    assert answers(larder, 10) == {b"%d" % (1 - busy): 10}
    gate.open()
    assert slow.finish().body == b"slow"


def test_a_server_that_cannot_be_reached_costs_no_request(wire, servers):
    larder = behind(wire, servers)
    servers[0].stop()
    assert answers(larder, 20) == {b"1": 20}


def test_a_server_that_fails_three_times_is_left_out_for_a_while(wire, servers):
    larder = behind(wire, servers)
    servers[0].on("/x", raw(cut))
    statuses = collections.Counter(larder.request("POST", "/x", body=b"a").status for _ in range(30))
    assert statuses[502] == 3 and statuses[200] == 27, "ejected after three failures in a row"
    assert servers[0].count("POST /x") == 3


def test_an_ejected_server_is_better_than_none(wire, servers):
    larder = behind(wire, servers)
    for server in servers:
        server.on("/x", raw(cut))
    for _ in range(12):
        larder.request("POST", "/x", body=b"a")
    for number, server in enumerate(servers):
        server.on("/x", reply(body=b"%d" % number))
    assert larder.get("/x").status == 200


HEALTH = ", health: {path: /health, interval: 100ms, timeout: 300ms, healthy: 2, unhealthy: 3}"


def up(larder, server):
    return larder.metrics().total("larder_origin_up", server=server.url)


@pytest.mark.parametrize(
    "sickness",
    [reply("500 Internal Server Error"), raw(cut), raw(Gate()), raw(b"nonsense\r\n\r\n", cut), None],
    ids=["a 500", "closes", "hangs", "nonsense", "is not there"],
)
def test_a_sick_server_is_taken_out_and_comes_back(wire, servers, sickness):
    larder = behind(wire, servers, HEALTH)
    assert up(larder, servers[0]) == 1
    if sickness:
        servers[0].on("/health", sickness)
    else:
        servers[0].stop()
    until(lambda: up(larder, servers[0]) == 0, what="the end of the sick server's use")
    assert up(larder, servers[1]) == 1
    assert answers(larder, 10) == {b"1": 10}
    if not sickness:
        servers[0].start()
    servers[0].on("/health", reply(body=b"fine"))
    until(lambda: up(larder, servers[0]) == 1, what="its return")
    assert answers(larder, 10) == {b"0": 5, b"1": 5}


def test_one_bad_answer_takes_nobody_out(wire, servers):
    larder = behind(wire, servers, HEALTH)
    servers[0].on("/health", reply("500 Oops"), reply("500 Oops"), reply(body=b"fine"))
    servers[0].wait_for_requests("/health", 8)
    assert up(larder, servers[0]) == 1 and "out of use" not in larder.log()


def test_with_all_servers_down_the_answer_is_a_503(wire, servers):
    larder = behind(wire, servers[:1], HEALTH)
    servers[0].on("/health", reply("503 Service Unavailable"))
    until(lambda: up(larder, servers[0]) == 0)
    response = larder.get("/x")
    assert response.status == 503 and "unavailable" in response.cache_status


def test_health_checks_follow_a_reload(wire, servers):
    larder = behind(wire, servers, HEALTH)
    servers[0].wait_for_requests("/health", 2)
    text = open(larder.config_file).read()
    with open(larder.config_file, "w") as out:
        out.write(text.replace("path: /health", "path: /alive"))
    servers[0].on("/alive", reply("500 Oops"))
    servers[1].on("/alive", reply(body=b"yes"))
    larder.reload()
    until(lambda: up(larder, servers[0]) == 0)
    seen = servers[0].count("/health")
    servers[0].wait_for_requests("/alive", servers[0].count("/alive") + 4)
    assert servers[0].count("/health") <= seen + 1, "the old checks have ended"


def test_a_health_check_is_a_plain_request(wire, servers):
    behind(wire, servers, HEALTH)
    seen = servers[0].wait_for_requests("/health", 1)[0]
    assert (seen.method, seen.version, seen.field("connection")) == ("GET", "HTTP/1.1", "close")
    assert seen.all("host") == [servers[0].url.removeprefix("http://")]


def test_a_shutdown_does_not_wait_for_a_health_check(wire, servers):
    servers[0].on("/health", raw(Gate()))
    larder = behind(wire, servers, ", health: {path: /health, interval: 100ms, timeout: 20s}")
    servers[0].wait_for_requests("/health", 1)
    started = time.monotonic()
    larder.stop()
    assert time.monotonic() - started < 10


def test_a_name_is_resolved_anew(wire, origin):
    """localhost may be ::1 first: what refuses is not the end."""
    origin.on("/x", reply(body=b"x"))
    larder = wire(origin_text=origin.url.replace("127.0.0.1", "localhost"))
    assert larder.get("/x").body == b"x"
    origin.stop()
    assert larder.get("/x").status == 502
    origin.start()
    until(lambda: larder.get("/x").status == 200)


def test_a_name_that_is_not_known_is_a_502(wire):
    larder = wire(origin_text="http://no-such-name.invalid:81")
    response = larder.get("/x")
    assert response.status == 502 and "origin-error" in response.cache_status


@pytest.mark.parametrize(
    "fields, expected",
    [
        ([("Forwarded", "for=203.0.113.9;proto=https")], "for=203.0.113.9;proto=https, for=127.0.0.1;proto=http"),
        ([], None),
    ],
)
def test_forwarded_is_extended_where_the_peer_is_trusted(origin, wire, fields, expected):
    origin.on("/x", reply())
    wire(extra="trusted_proxies: [127.0.0.0/8]").get("/x", fields)
    assert origin.requests("/x")[0].field("forwarded") == expected


def test_what_is_forwarded_for_an_unknown_peer_is_its_own(origin, larder):
    origin.on("/x", reply())
    with larder.connect() as client:
        client.send(
            request_bytes(
                "GET",
                "/x",
                [
                    ("X-Forwarded-For", "a"),
                    ("x-forwarded-for", "b"),
                    ("X-Forwarded-Port", "1"),
                    ("X-Forwarded-Host", "evil"),
                ],
            )
        )
        client.read_response()
    (seen,) = origin.requests("/x")
    assert (seen.all("x-forwarded-for"), seen.all("x-forwarded-host"), seen.all("x-forwarded-port")) == (
        ["127.0.0.1"],
        ["api.test"],
        [],
    )
