"""The demo API through larder, with the configuration a newcomer starts with."""
import pytest

from origin.exchanges import CHANGED, EXCHANGES, NEW
from support import raw_client
from support.demo_origin import DemoOrigin
from support.waiting import all_at_once, until

OWN_FIELDS = {"x-cache", "cache-status", "age", "via"}


def shown(response):
    """What must be the same with and without larder: all but the date and larder's own fields."""
    fields = [
        (name, value) for name, value in response.fields if name.lower() not in OWN_FIELDS | {"date", "connection"}
    ]
    return response.status, response.reason, fields, response.body


def test_every_exchange_is_the_same_with_and_without_larder(demo, scene, redis, demo_larder):
    direct = scene(DemoOrigin())
    larder = demo_larder(demo, redis.url)
    words = []
    for method, target, body, status in EXCHANGES:
        plain = raw_client.request(direct.port, method, target, body=body)
        through = larder.request(method, target, body=body)
        assert shown(through) == shown(plain), (method, target)
        assert through.status == status
        words.append((method, target, through.x_cache))
    reads = [
        word for method, target, word in words if method == "GET" and target.split("?")[0] in ("/articles", "/tags")
    ]
    assert reads.count("HIT") >= 20, words


def test_the_second_reader_is_answered_from_the_cache(demo, redis, demo_larder):
    larder = demo_larder(demo, redis.url)
    first, second = larder.get("/articles/42"), larder.get("/articles/42")
    assert (first.x_cache, second.x_cache) == ("MISS", "HIT")
    assert first.cache_status == "larder; fwd=uri-miss; fwd-status=200; stored"
    assert second.cache_status in {f"larder; hit; ttl={left}" for left in range(290, 301)}
    assert second.field("age") in {str(age) for age in range(10)} and first.field("age") is None
    assert first.field("via") == "1.1 larder"
    assert second.body == first.body
    assert demo.count("GET /articles/42") == 1


@pytest.mark.parametrize(
    "target, key, ttl",
    [
        ("/articles", "articles:list:0:20", 60),
        ("/articles?skip=20&limit=5", "articles:list:20:5", 60),
        ("/articles?limit=5&skip=20", "articles:list:20:5", 60),
        ("/articles?published_only=false", "articles:list:0:20?published_only=false", 60),
        ("/articles?tag=x&published_only=false&limit=3", "articles:list:0:3?published_only=false&tag=x", 60),
        ("/articles/42", "articles:42", 300),
        ("/users/7", "users:7", 600),
        ("/tags", "tags:list", 300),
    ],
)
def test_an_entry_stands_at_the_routes_key_for_the_routes_time(demo, redis, demo_larder, target, key, ttl):
    larder = demo_larder(demo, redis.url)
    assert larder.get(target).x_cache == "MISS"
    until(lambda: redis.entries() == [key], what="the entry")  # an answer is out before its entry is stored
    assert ttl - 10 <= redis("TTL", key) <= ttl
    assert larder.get(target).x_cache == "HIT"


@pytest.mark.parametrize(
    "variable, target, key",
    [
        ("CACHE_TTL_ARTICLES_LIST", "/articles", "articles:list:0:20"),
        ("CACHE_TTL_ARTICLES_DETAIL", "/articles/42", "articles:42"),
        ("CACHE_TTL_USERS", "/users/7", "users:7"),
    ],
)
def test_the_environment_sets_the_times(demo, redis, demo_larder, variable, target, key):
    larder = demo_larder(demo, redis.url, env={variable: "1234"})
    larder.get(target)
    until(lambda: redis("EXISTS", key))  # the fill may land just after the answer
    assert 1224 <= redis("TTL", key) <= 1234


@pytest.mark.parametrize(
    "method, target, body, gone",
    [
        ("POST", "/articles", NEW, ["articles:list:0:20", "articles:list:20:5"]),
        (
            "PUT",
            "/articles/42",
            CHANGED,
            ["articles:list:0:20", "articles:list:20:5", "articles:42", "articles:42?lang=de"],
        ),
        (
            "PATCH",
            "/articles/42",
            {"title": "New"},
            ["articles:list:0:20", "articles:list:20:5", "articles:42", "articles:42?lang=de"],
        ),
        (
            "DELETE",
            "/articles/42",
            None,
            ["articles:list:0:20", "articles:list:20:5", "articles:42", "articles:42?lang=de"],
        ),
    ],
)
def test_a_write_purges_what_its_route_names_and_nothing_else(demo, redis, demo_larder, method, target, body, gone):
    larder = demo_larder(demo, redis.url)
    reads = {
        "articles:list:0:20": "/articles",
        "articles:list:20:5": "/articles?skip=20&limit=5",
        "articles:42": "/articles/42",
        "articles:42?lang=de": "/articles/42?lang=de",
        "articles:7": "/articles/7",
        "users:7": "/users/7",
        "tags:list": "/tags",
    }
    for read in reads.values():
        larder.get(read)
    write = larder.request(method, target, body=body)
    assert (write.status < 300, write.x_cache) == (True, "BYPASS")
    assert write.cache_status.startswith("larder; fwd=method")
    words = {key: larder.get(read).x_cache for key, read in reads.items()}
    for key, word in words.items():
        assert (word != "HIT") == (key in gone), words


def test_a_rejected_write_purges_nothing(demo, redis, demo_larder):
    larder = demo_larder(demo, redis.url)
    larder.get("/articles")
    assert larder.request("POST", "/articles", body={"title": ""}).status == 422
    assert larder.get("/articles").x_cache == "HIT"


def test_ten_cold_requests_at_once_cost_one_query(scene, redis, demo_larder):
    slow = scene(DemoOrigin(list_ms=180))
    larder = demo_larder(slow, redis.url)
    answers = all_at_once(10, lambda _: larder.get("/articles"))
    assert {answer.status for answer in answers} == {200} and len({answer.body for answer in answers}) == 1
    assert slow.count("GET /articles") == 1
    assert sum("collapsed" in answer.cache_status for answer in answers) == 9


def test_redis_and_its_database_are_chosen_by_the_environment(demo, start_redis, demo_larder):
    redis = start_redis(password="pa:ss")
    larder = demo_larder(demo, f"redis://:pa%3Ass@127.0.0.1:{redis.port}/3")
    larder.get("/tags")
    until(lambda: redis.entries(database=3) == ["tags:list"], what="the entry")
    assert redis.entries(database=0) == []
    assert larder.get("/tags").x_cache == "HIT"


def test_an_acl_user_may_be_used(demo, start_redis, demo_larder):
    redis = start_redis(password="default", acl={"larder": ("s3cret", "~* &* +@all -keys -flushdb -flushall")})
    larder = demo_larder(demo, f"redis://larder:s3cret@127.0.0.1:{redis.port}/0")
    larder.get("/tags")
    until(lambda: redis.entries() == ["tags:list"])
    larder.request("PATCH", "/articles/42", body={"title": "x"})
    assert b"user=larder" in redis("CLIENT", "LIST")


def test_redis_over_a_unix_socket(demo, redis, demo_larder):
    larder = demo_larder(demo, f"unix://{redis.socket_path}?db=2")
    larder.get("/tags")
    until(lambda: redis.entries(database=2) == ["tags:list"])
    assert larder.get("/tags").x_cache == "HIT"


@pytest.mark.parametrize("most", [4, 10])
def test_no_more_connections_to_redis_than_allowed(demo, redis, demo_larder, most):
    larder = demo_larder(demo, redis.url, env={"REDIS_MAX_CONNECTIONS": str(most)})
    all_at_once(50, lambda number: larder.get(f"/articles/{number + 1}"))
    assert 1 <= redis.connections() <= most


def test_no_command_that_blocks_redis_is_used(demo, redis, demo_larder):
    larder = demo_larder(demo, redis.url)
    for number in range(1, 40):
        larder.get(f"/articles?skip={number}")
    larder.request("POST", "/articles", body=NEW)
    larder.purge(patterns=["articles:*", "no:*:route"])
    larder.get("/articles")
    assert not {"keys", "flushdb", "flushall"} & set(redis.calls())
