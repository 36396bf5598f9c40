"""What operators see of the cache's content: /entries, /entry, and purges that only count."""
import json
from urllib.parse import quote

import pytest

from support.scripted_origin import reply
from support.waiting import until

ARTICLE_KEYS = [f"articles:{number}" for number in range(1, 31)]


def json_reply(value):
    return reply(fields={"Content-Type": "application/json"}, body=json.dumps(value).encode())


@pytest.fixture
def api(origin):
    for number in range(1, 31):
        origin.on(f"GET /articles/{number}", json_reply({"id": number, "title": f"Article {number}"}))
    origin.on("GET /articles", json_reply([]))
    origin.on("GET /users/7", json_reply({"id": 7}))


@pytest.fixture
def larder(api, origin, redis, articles_larder):
    return articles_larder(origin, redis)


def is_stored(larder, target):
    return larder.admin("GET", "/explain?method=GET&url=" + quote(target, safe="")).json()["decision"] == "hit"


def fill(larder, numbers=range(1, 31)):
    for number in numbers:
        larder.get(f"/articles/{number}")
    until(lambda: all(is_stored(larder, f"/articles/{number}") for number in numbers), what="the stores")


def ask(larder, path, **parameters):
    query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
    return larder.admin("GET", f"{path}?{query}" if query else path)


def order(larder, what):
    return larder.admin("POST", "/purge", body=json.dumps(what).encode())


def all_pages(larder, **parameters):
    """All entries, page by page, and how many pages it took."""
    entries, after, pages = [], None, 0
    while True:
        page = ask(larder, "/entries", **parameters, **({"after": after} if after else {})).json()
        entries += page["entries"]
        pages += 1
        after = page["next"]
        if after is None:
            return entries, pages


def test_all_entries_come_by_page_and_each_names_its_tier(larder):
    fill(larder)
    larder.get("/users/7")
    until(lambda: is_stored(larder, "/users/7"), what="the store of the user")

    def is_in_both_tiers():
        larder.get("/articles/7")
        return ask(larder, "/entry", key="articles:7").json()["variants"][0]["tier"] == "both"

    until(is_in_both_tiers, what="the entry in both tiers")
    entries, pages = all_pages(larder, limit=5)
    assert sorted(entry["key"] for entry in entries) == sorted([*ARTICLE_KEYS, "users:7"])
    assert pages > 1
    one = next(entry for entry in entries if entry["key"] == "articles:7")
    assert one["route"] == "/articles/{id}" and one["tier"] == "both" and one["variants"] == 1
    assert 0 < one["ttl"] <= 300 and one["bytes"] == len(larder.get("/articles/7").body)


def test_entries_can_be_chosen_by_route_and_by_prefix(larder):
    fill(larder, range(1, 4))
    larder.get("/users/7")
    until(lambda: is_stored(larder, "/users/7"), what="the store of the user")
    by_route, _ = all_pages(larder, route="/users/{id}")
    assert [entry["key"] for entry in by_route] == ["users:7"]
    by_prefix, _ = all_pages(larder, prefix="articles:")
    assert sorted(entry["key"] for entry in by_prefix) == ["articles:1", "articles:2", "articles:3"]


def test_what_only_redis_holds_is_shown_and_what_was_purged_is_not(larder):
    fill(larder, (1, 2, 3))
    larder.purge(keys=["articles:2"])
    larder.restart()
    entries, _ = all_pages(larder)
    assert sorted((entry["key"], entry["tier"]) for entry in entries) == [
        ("articles:1", "redis"),
        ("articles:3", "redis"),
    ]


def test_other_peoples_keys_are_not_entries(larder, redis):
    fill(larder, (1,))
    redis("HSET", "articles:99", "field", "value")
    redis("SET", "articles:98", "text")
    entries, _ = all_pages(larder)
    assert [entry["key"] for entry in entries] == ["articles:1"]


def test_one_entry_by_url_or_key_with_its_body(larder):
    body = larder.get("/articles/7").body
    fill(larder, (7,))
    for question in ({"url": "/articles/7"}, {"key": "articles:7"}):
        answer = ask(larder, "/entry", **question, body=1)
        assert answer.status == 200
        variant = answer.json()["variants"][0]
        assert variant["body"].encode() == body and variant["status"] == 200 and variant["tier"] in ("redis", "both")
        assert ["content-type", "application/json"] in [
            [name.lower(), value] for name, value in variant["headers"]
        ]
    assert "body" not in ask(larder, "/entry", key="articles:7").json()["variants"][0]


def test_an_entry_that_is_not_there_is_404_and_says_so(larder):
    answer = ask(larder, "/entry", url="/articles/1234")
    assert answer.status == 404 and "articles:1234" in answer.json()["detail"]
    assert ask(larder, "/entry", url="/nowhere").status == 404
    assert ask(larder, "/entry", url="nowhere").status == 400
    assert ask(larder, "/entry").status == 400
    assert ask(larder, "/entries", after="x").status == 400


def test_a_diff_shows_what_the_origin_would_send_now(larder, origin):
    fill(larder, (7,))
    same = ask(larder, "/entry", key="articles:7", diff=1).json()["diff"]
    assert same["same"] is True and same["body"] == ""
    origin.on("GET /articles/7", reply(body=json.dumps({"id": 7, "title": "behind its back"}).encode()))
    stored = larder.get("/articles/7")
    assert stored.x_cache == "HIT"
    diff = ask(larder, "/entry", key="articles:7", diff=1).json()["diff"]
    assert diff["same"] is False and diff["status"] == [200, 200]
    assert "behind its back" in diff["body"]
    assert larder.get("/articles/7").body == stored.body


def test_a_dry_run_counts_what_a_purge_would_meet_and_purges_nothing(larder):
    fill(larder, range(1, 13))
    larder.get("/articles")
    larder.get("/articles?skip=20")
    until(lambda: is_stored(larder, "/articles?skip=20") and is_stored(larder, "/articles"), what="the lists")
    what = {"patterns": ["articles:list:*", "users:*"], "keys": ["articles:7"], "dry_run": True}
    answer = order(larder, what)
    assert answer.status == 200 and answer.json()["dry_run"] is True
    met = {item.get("pattern") or item.get("key"): item for item in answer.json()["would_purge"]}
    assert met["articles:list:*"]["entries"] == 2
    assert sorted(met["articles:list:*"]["sample"]) == ["articles:list:0:20", "articles:list:20:20"]
    assert met["users:*"]["entries"] == 0 and met["articles:7"]["entries"] == 1
    assert larder.get("/articles").x_cache == "HIT" and larder.get("/articles/7").x_cache == "HIT"


def test_where_redis_is_away_the_answer_says_so(larder, redis):
    fill(larder, (1, 2))
    redis.stop()
    larder.wait_for_redis(up=False)
    answer = ask(larder, "/entries")
    assert answer.status == 200 and answer.json()["redis"] == "down" and answer.json()["next"] is None
