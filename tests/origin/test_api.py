"""The demo API's own tests. API_URL names a running one, or a proxy before it; else they start one themselves."""
import os
from urllib.parse import urlsplit

import pytest

from origin.exchanges import CHANGED, EXCHANGES, NEW
from support import raw_client
from support.demo_origin import DemoOrigin
from support.waiting import all_at_once


@pytest.fixture(scope="module")
def api():
    """A function that asks the API: api("GET", "/articles")."""
    given = os.environ.get("API_URL")
    started = None if given else DemoOrigin()
    port = urlsplit(given).port or 80 if given else started.port
    yield lambda method, target, body=None: raw_client.request(port, method, target, body=body)
    if started:
        started.stop()


@pytest.fixture
def article(api):
    """An article of this test's own, deleted afterwards."""
    made = api("POST", "/articles", NEW).json()
    yield made
    api("DELETE", f"/articles/{made['id']}")


def test_a_list_has_twenty_published_articles_newest_first(api):
    articles = api("GET", "/articles").json()
    assert len(articles) == 20
    assert all(article["published"] for article in articles)
    assert [article["created_at"] for article in articles] == sorted(
        (article["created_at"] for article in articles), reverse=True
    )


def test_skip_and_limit_page_through_the_list(api):
    whole = api("GET", "/articles?limit=30").json()
    assert api("GET", "/articles?skip=10&limit=5").json() == whole[10:15]


def test_drafts_are_listed_when_asked_for(api):
    assert any(not article["published"] for article in api("GET", "/articles?published_only=false").json())


def test_a_tag_narrows_the_list(api):
    articles = api("GET", "/articles?tag=tag-03").json()
    assert articles and all("tag-03" in [tag["name"] for tag in article["tags"]] for article in articles)


def test_an_article_carries_its_author_and_tags(api):
    article = api("GET", "/articles/42").json()
    assert article["title"] == "Article 42"
    assert article["author"] == api("GET", f"/users/{article['author']['id']}").json()
    assert len(article["tags"]) == 2


def test_a_created_article_is_there_and_first_in_the_list(api, article):
    assert api("GET", f"/articles/{article['id']}").json() == article
    assert api("GET", "/articles").json()[0] == article


def test_create_names_the_new_article(api):
    response = api("POST", "/articles", NEW)
    made = response.json()
    assert (response.status, response.field("location")) == (201, f"/articles/{made['id']}")
    api("DELETE", f"/articles/{made['id']}")


def test_put_replaces_everything(api, article):
    assert api("PUT", f"/articles/{article['id']}", CHANGED).status == 200
    now = api("GET", f"/articles/{article['id']}").json()
    assert (now["title"], now["author"]["id"], [tag["name"] for tag in now["tags"]]) == (
        "Stale bread",
        4,
        ["tag-02", "tag-06"],
    )


def test_patch_changes_only_what_is_given(api, article):
    assert api("PATCH", f"/articles/{article['id']}", {"title": "Toast"}).status == 200
    now = api("GET", f"/articles/{article['id']}").json()
    assert (now["title"], now["content"]) == ("Toast", article["content"])


def test_a_deleted_article_is_gone(api, article):
    assert api("DELETE", f"/articles/{article['id']}").status == 204
    assert api("GET", f"/articles/{article['id']}").status == 404
    assert article not in api("GET", "/articles").json()


def test_users_and_tags_are_listed(api):
    assert len(api("GET", "/users").json()) == 20
    assert len(api("GET", "/tags").json()) >= 30


@pytest.mark.parametrize(
    "target, status",
    [
        ("/articles/100000", 404),
        ("/users/99", 404),
        ("/nowhere", 404),
        ("/articles/none", 422),
        ("/articles?limit=0", 422),
        ("/articles?skip=-1", 422),
    ],
)
def test_errors_are_fastapis_own(api, target, status):
    response = api("GET", target)
    assert (response.status, list(response.json())) == (status, ["detail"])


def test_a_hundred_readers_at_once_are_all_answered(api):
    answers = all_at_once(100, lambda number: api("GET", f"/articles/{number + 1}"))
    assert [answer.status for answer in answers] == [200] * 100


@pytest.mark.skipif(
    "API_URL" in os.environ, reason="needs a fresh API: the ids of new articles are part of the exchanges"
)
def test_every_exchange_has_its_status():
    started = DemoOrigin()
    try:
        for method, target, body, status in EXCHANGES:
            response = raw_client.request(started.port, method, target, body=body)
            assert response.status == status, (method, target, response)
    finally:
        started.stop()
