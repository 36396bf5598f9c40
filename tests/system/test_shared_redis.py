"""An application keeps data of its own in the same Redis, under the names of larder's keys."""
from support.configurations import ARTICLES
from support.versioned_api import VersionedApi
from support.waiting import until


def make(redis, kind):
    redis("DEL", "articles:42")
    {
        "string": lambda: redis("SET", "articles:42", "mine"),
        "hash": lambda: redis("HSET", "articles:42", "title", "mine"),
        "list": lambda: redis("RPUSH", "articles:42", "mine"),
    }[kind]()


def test_a_key_that_somebody_else_holds_is_not_cached_and_is_named_once(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    for kind in ("string", "hash", "list"):
        make(redis, kind)
        before = redis("DUMP", "articles:42")
        for _ in range(3):
            answer = larder.get("/articles/42")
            assert (answer.status, answer.x_cache) == (200, "MISS")
            assert answer.cache_status == "larder; fwd=uri-miss; fwd-status=200; detail=foreign-key"
        assert larder.request("PUT", "/articles/42", body={}).status == 200
        assert larder.purge(keys=["articles:42"]).status == 200
        assert redis("DUMP", "articles:42") == before
        assert redis("PTTL", "articles:42") == -1
    lines = [line for line in larder.log().splitlines() if "articles:42" in line and "redis" in line.lower()]
    assert len(lines) == 1 and "holds a string" in lines[0] and "redis.prefix" in lines[0]
    metrics = larder.metrics()
    assert metrics.total("larder_not_stored_total", path="/articles/{id}", reason="foreign-key") == 9
    assert metrics.total("larder_redis_up") == 1 and metrics.total("larder_purges_pending") == 0
    redis("DEL", "articles:42")
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="caching once the key is free")


def test_what_the_application_put_over_an_entry_ends_the_copy_in_memory(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="a hit")
    redis("SET", "articles:42", "mine")
    until(lambda: larder.get("/articles/42").x_cache == "MISS", what="the end of the copy")
    assert "detail=foreign-key" in larder.get("/articles/42").cache_status
    assert redis("GET", "articles:42") == b"mine"


def test_a_key_that_holds_a_secret_is_not_in_the_log(origin, redis, articles_larder):
    VersionedApi(origin)
    text = ARTICLES.replace('key: "articles:{id}"', 'key: "articles:{id}:{header:x-user}"', 1)
    assert text != ARTICLES
    larder = articles_larder(origin, redis, text=text)
    redis("SET", "articles:42:hush", "mine")
    assert "detail=foreign-key" in larder.get("/articles/42", [("X-User", "hush")]).cache_status
    assert "hush" not in larder.log() and "articles:{id}:{header:x-user}" in larder.log()
