"""`audit`: hits that are compared with the origin."""
import pytest

from support.scripted_origin import Gate, reply
from support.waiting import until

ALL = "ttl: 60, audit: 100%"


def audited(larder, result, at_least=1):
    return larder.metrics_once("larder_audit_total", at_least, path="/cached/{name}", result=result)


def test_a_hit_that_is_right_counts_as_the_same(origin, wire):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(body=b"x" * 100_000))
    larder.get("/cached/x")
    for _ in range(3):
        assert larder.get("/cached/x").x_cache == "HIT"
    metrics = audited(larder, "same", 3)
    assert metrics.total("larder_audit_total", result="different") == 0
    assert origin.count("/cached/x") == 4
    assert larder.get("/cached/x").x_cache == "HIT"


@pytest.mark.parametrize(
    "now",
    [reply(body=b"new"), reply(body=b"older"), reply(body=b""), reply("404 Not Found", body=b"old")],
    ids=["other", "longer", "empty", "status"],
)
def test_what_changed_behind_larder_is_seen(origin, wire, now):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(body=b"old"), now)
    larder.get("/cached/x")
    assert larder.get("/cached/x").body == b"old"
    audited(larder, "different")


def test_what_changed_behind_larder_is_advised_about(origin, wire):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(body=b"old"), reply(body=b"new"))
    larder.get("/cached/x")
    assert larder.admin("GET", "/advise").json()["advice"] == []
    for _ in range(3):
        larder.get("/cached/x")
    audited(larder, "different", 3)
    advice = larder.admin("GET", "/advise").json()["advice"]
    assert [(one["kind"], one["route"]) for one in advice] == [("changed-past-larder", "/cached/{name}")]
    assert "3 had changed without a purge: something writes past larder" in advice[0]["text"]
    assert advice[0]["figures"]["changed"] == 3


def test_an_origin_that_fails_proves_nothing(origin, wire):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(body=b"old"), reply("503 Busy", body=b"no"))
    larder.get("/cached/x")
    larder.get("/cached/x")
    metrics = audited(larder, "failed")
    assert metrics.total("larder_audit_total", result="different") == 0


def test_no_hit_waits_for_its_audit_and_at_most_ten_run(origin, wire):
    larder = wire(route=ALL)
    gate = Gate()
    origin.on("/cached/x", reply(body=b"x"), reply(body=b"x").after(gate))
    larder.get("/cached/x")
    for _ in range(30):
        assert larder.get("/cached/x").x_cache == "HIT"
    until(lambda: origin.count("/cached/x") == 11)
    gate.open()
    audited(larder, "same", 10)
    assert larder.metrics().total("larder_audit_total", result="same") == 10


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key"])
def test_a_request_with_credentials_is_never_audited(origin, wire, name):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(fields={"Cache-Control": "public, max-age=60"}, body=b"x"))
    larder.get("/cached/x")
    assert larder.get("/cached/x", {name: "secret"}).x_cache == "HIT"
    larder.get("/cached/x")
    audited(larder, "same")
    assert origin.count("/cached/x") == 2


def test_what_is_served_stale_and_head_are_not_audited(origin, wire):
    larder = wire(route="ttl: 60, stale_while_revalidate: 60s, audit: 100%")
    gate = Gate()
    origin.on("HEAD /cached/x", reply())
    origin.on("GET /cached/x", reply(body=b"x"), reply(body=b"x").after(gate))
    larder.get("/cached/x")
    assert larder.request("HEAD", "/cached/x").x_cache == "HIT"
    larder.purge(urls=["/cached/x"], soft=True)
    for _ in range(5):
        assert larder.get("/cached/x").x_cache == "UPDATING"
    gate.wait_for()
    assert (origin.count("GET /cached/x"), origin.count("HEAD /cached/x")) == (2, 0), "the refresh alone"
    gate.open()


def test_a_hit_with_a_condition_is_audited_without_it(origin, wire):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(fields={"ETag": '"a"'}, body=b"x"))
    larder.get("/cached/x")
    assert larder.get("/cached/x", {"If-None-Match": '"a"'}).status == 304
    audited(larder, "same")
    assert origin.requests("/cached/x")[1].field("if-none-match") is None


def test_the_age_of_wrong_hits_is_told(origin, wire):
    larder = wire(route=ALL)
    origin.on("/cached/x", reply(body=b"old"), reply(body=b"new"))
    larder.get("/cached/x")
    until(lambda: int(larder.get("/cached/x").field("age")) >= 2)
    audited(larder, "different", 3)
    route = [one for one in larder.admin("GET", "/stats").json()["routes"] if one["path"] == "/cached/{name}"][0]
    assert route["audit"]["wrong_age_seconds"]["p99"] > 0


def test_a_difference_that_a_write_made_is_none(origin, wire):
    larder = wire(route=ALL)
    gate = Gate()
    origin.on("GET /cached/x", reply(body=b"old"), reply(body=b"new").after(gate), reply(body=b"new"))
    origin.on("PUT /cached/x", reply())
    larder.get("/cached/x")
    larder.get("/cached/x")
    gate.wait_for()
    larder.request("PUT", "/cached/x", body=b"")
    gate.open()
    larder.get("/cached/x")
    larder.get("/cached/x")
    metrics = audited(larder, "same")
    assert metrics.total("larder_audit_total", result="different") == 0


def test_a_share_of_the_hits_is_audited(origin, wire):
    larder = wire(route="ttl: 60, audit: 10%")
    origin.on("/cached/x", reply(body=b"x"))
    larder.get("/cached/x")
    with larder.connect() as client:
        for _ in range(1000):
            client.get("/cached/x")
    until(lambda: larder.metrics().total("larder_audit_total") == origin.count("/cached/x") - 1)
    assert 50 < origin.count("/cached/x") < 160
