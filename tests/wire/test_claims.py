"""What a client claims about its request in fields that frameworks believe."""
import os
import re

import pytest

from support.larder import REPOSITORY
from support.scripted_origin import reply

PROXYS_OWN = ("address", "scheme", "host", "port")


def known_claims():
    """(name, claim) of every row of the table in the source."""
    with open(os.path.join(REPOSITORY, "proxy", "http", "claims.cpp")) as source:
        rows = re.findall(r'^    \{"([a-z0-9-]+)", Claim::(\w+), ".+"\},$', source.read(), re.M)
    assert len(rows) > 150
    return rows


def seen_by(request, name):
    """What the origin got under that name, whatever its spelling, where it is the client's."""
    return [value for field, value in request.fields if field.lower().replace("_", "-") == name and "evil" in value]


@pytest.mark.parametrize("spelling", [str.title, lambda name: name.replace("-", "_")], ids=["hyphens", "underscores"])
def test_no_claim_of_a_stranger_ends_up_in_the_shared_entry(origin, larder, spelling):
    wrong = []
    for name, claim in [*known_claims(), ("x-forwarded-anything", "unknown")]:
        target = f"/cached/{name}"
        origin.on(target, lambda request, name=name: reply(body=" ".join(seen_by(request, name)) or "plain"))
        first = larder.get(target, {spelling(name): "evil"})
        dropped = claim in (*PROXYS_OWN, "unknown") or name.startswith("x-forwarded-")
        if dropped and (first.body, first.x_cache) != (b"plain", "MISS"):
            wrong.append((name, "reached the origin", first))
        if not dropped and (first.body, first.cache_status) != (b"evil", "larder; fwd=bypass; detail=unsafe-header"):
            wrong.append((name, "was not passed uncached", first))
        then = larder.get(target)
        if then.body != b"plain" or then.x_cache != ("HIT" if dropped else "MISS"):
            wrong.append((name, "ended up in the entry", then))
    assert not wrong, wrong


def test_a_strangers_x_forwarded_scheme_neither_reaches_the_origin_nor_the_entry(origin, larder):
    origin.on(
        "/cached/x",
        lambda request: reply(
            fields={"Vary": "X-Forwarded-Scheme"}, body=request.field("x-forwarded-scheme") or "none"
        ),
    )
    assert larder.get("/cached/x", {"X-Forwarded-Scheme": "https"}).body == b"none"
    assert larder.get("/cached/x").x_cache == "HIT"
    assert (
        larder.request("POST", "/other", {"X-Forwarded-Scheme": "https", "X_Forwarded_Scheme": "https"}, b"x").status
        == 404
    )
    assert (
        origin.requests("/other")[0].field("x-forwarded-scheme") is None
        and origin.requests("/other")[0].field("x_forwarded_scheme") is None
    )


@pytest.mark.parametrize(
    "fields, cached",
    [
        ({"X-Forwarded-Prefix": "/shop"}, False),
        ({"X-Forwarded-Port": "8443"}, False),
        ({"X-Forwarded-Scheme": "https"}, False),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Scheme": "https", "X-Forwarded-Port": "443"}, True),
        ({"X-Forwarded-Server": "edge", "X-Real-IP": "10.0.0.1", "X-Forwarded-For": "10.0.0.1"}, True),
    ],
)
def test_what_a_trusted_proxy_claims_is_passed_on_and_cached_only_where_the_entry_is_found_by_it(
    origin, wire, fields, cached
):
    larder = wire(extra="trusted_proxies: [127.0.0.0/8]")
    origin.on("/cached/x", reply(body=b"x"))
    answers = [larder.get("/cached/x", fields) for _ in range(2)]
    assert [answer.x_cache for answer in answers] == (["MISS", "HIT"] if cached else ["BYPASS", "BYPASS"])
    if not cached:
        assert answers[0].cache_status == "larder; fwd=bypass; detail=unsafe-header"
    for name, value in fields.items():
        assert value in origin.requests("/cached/x")[0].field(name)
