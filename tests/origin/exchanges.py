"""The demo API's own test requests, in an order that makes sense: (method, target, body, expected status).

Each read stands there twice, so that a cache in between answers the second; nothing here knows that.
"""

NEW = {"title": "Fresh bread", "content": "Flour, water, salt.", "published": True, "author_id": 3, "tags": ["tag-05"]}
CHANGED = {
    "title": "Stale bread",
    "content": "Flour, water.",
    "published": True,
    "author_id": 4,
    "tags": ["tag-06", "tag-02"],
}


def _twice(*reads):
    return [read for read in reads for _ in range(2)]


def _get(target, status=200):
    return ("GET", target, None, status)


EXCHANGES = [
    *_twice(
        _get("/articles"),
        _get("/articles?skip=0&limit=20"),
        _get("/articles?skip=20&limit=5"),
        _get("/articles?limit=100"),
        _get("/articles?published_only=false"),
        _get("/articles?published_only=false&limit=7&skip=190"),
        _get("/articles?tag=tag-03"),
        _get("/articles?tag=tag-03&tag=tag-04"),
        _get("/articles?tag="),
        _get("/articles?tag=t%C3%A4g%2F%3A*"),
        _get("/articles?skip=100000"),
        _get("/articles?limit=0", 422),
        _get("/articles?limit=many", 422),
        _get("/articles?skip=-1", 422),
        _get("/articles?skip=", 422),
        _get("/articles/1"),
        _get("/articles/42"),
        _get("/articles/42?lang=de"),
        _get("/articles/100000", 404),
        _get("/articles/none", 422),
        _get("/articles/42/comments", 404),
        _get("/users"),
        _get("/users/7"),
        _get("/users/99", 404),
        _get("/tags"),
        _get("/nowhere", 404),
    ),
    ("POST", "/articles", NEW, 201),
    *_twice(_get("/articles"), _get("/articles/201")),
    ("POST", "/articles", {**NEW, "author_id": 1000}, 404),
    ("POST", "/articles", {"title": ""}, 422),
    *_twice(_get("/articles")),
    ("PUT", "/articles/201", CHANGED, 200),
    *_twice(_get("/articles"), _get("/articles/201"), _get("/articles?tag=tag-06")),
    ("PUT", "/articles/100000", CHANGED, 404),
    ("PUT", "/articles/201", {"content": "no title"}, 422),
    ("PATCH", "/articles/201", {"title": "Toast"}, 200),
    *_twice(_get("/articles"), _get("/articles/201")),
    ("PATCH", "/articles/201", {"published": False}, 200),
    *_twice(_get("/articles"), _get("/articles?published_only=false"), _get("/articles/201")),
    ("PATCH", "/articles/100000", {"title": "x"}, 404),
    ("DELETE", "/articles/201", None, 204),
    *_twice(_get("/articles"), _get("/articles?published_only=false"), _get("/articles/201", 404)),
    ("DELETE", "/articles/201", None, 404),
    ("DELETE", "/articles", None, 405),
]
