"""The dashboard in a real Chromium: it shows what happens, and everything works with the keyboard alone."""
import filecmp
import json
import os
import re
import shutil
import subprocess

import pytest

from support.configurations import ARTICLES, WIRE
from support.larder import REPOSITORY
from support.scripted_origin import reply
from support.versioned_api import VersionedApi
from support.waiting import until

ENTER = "\ue007"
PAGE = os.path.join(REPOSITORY, "proxy/admin/page")

browser_module = pytest.importorskip("support.browser", reason="python3-selenium is not installed")
needs_chromium = pytest.mark.skipif(not browser_module.is_installed(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def chromium():
    """One for all tests of this file: it takes seconds to start."""
    browser = browser_module.Browser()
    yield browser
    browser.stop()


@pytest.fixture
def browser(chromium):
    """Empty, at a desk, and with nothing kept of the test before."""
    chromium.resize(1280, 900)
    yield chromium
    chromium.show("data:,")
    chromium.errors()


@pytest.fixture
def larder(origin, redis, articles_larder):
    VersionedApi(origin)
    return articles_larder(origin, redis)


@pytest.fixture
def articles_larder(start_larder):
    def start(origin, redis):
        started = start_larder(ARTICLES, origin=origin.url, redis=redis.url, memory="64MB")
        started.wait_for_redis()
        return started

    return start


def address(larder):
    return f"http://127.0.0.1:{larder.admin_port}/"


def open_page(browser, larder):
    browser.show(address(larder))
    until(lambda: "up for" in browser.text("state"), what="the first figures")


@needs_chromium
def test_traffic_appears_without_an_error_or_a_request_elsewhere(browser, larder):
    open_page(browser, larder)
    for _ in range(3):
        larder.get("/articles/42")
    larder.get("/nowhere")
    until(lambda: "/articles/{id}" in browser.text("routes"), what="the route")
    until(lambda: re.search(r"\b[1-9]\d* requests, hit rate", browser.text("traffic-text")), timeout=30)
    assert browser.run("return document.querySelectorAll('.charts canvas').length") == 2
    assert "HIT" in browser.text("latency") and "MISS" in browser.text("latency")
    assert all(one.startswith((address(larder), "data:")) for one in browser.addresses())
    assert browser.errors() == []
    browser.picture("dashboard-light")


@needs_chromium
def test_routes_are_sorted_by_the_keyboard(browser, larder):
    for _ in range(3):
        larder.get("/articles/42")
    larder.get("/articles")
    open_page(browser, larder)
    until(lambda: "/articles/{id}" in browser.text("routes"), what="the routes")
    paths = "return [...document.querySelectorAll('#routes tbody tr')].map(row => row.cells[0].innerText)"
    by_requests = browser.run(paths)
    assert by_requests.index("/articles/{id}") < by_requests.index("/articles")
    browser.run("document.querySelector('#routes th button').focus()")
    browser.press(ENTER)
    by_path = browser.run(paths)
    assert by_path == sorted(by_path)
    assert browser.run("return document.querySelector('#routes th').getAttribute('aria-sort')") == "ascending"
    browser.press(ENTER)
    assert browser.run(paths) == by_path[::-1]


@needs_chromium
def test_a_purge_by_the_keyboard(browser, larder):
    larder.get("/articles/42")
    assert larder.get("/articles/42").x_cache == "HIT"
    open_page(browser, larder)
    browser.tab_to("purge-items")
    browser.press("articles:42")
    browser.tab_to("real=real")
    browser.press(ENTER)
    until(lambda: "Purged 1 key" in browser.text("purge-answer"), what="the answer")
    assert larder.get("/articles/42").x_cache == "MISS"
    assert browser.errors() == []


@needs_chromium
def test_a_dry_run_tells_and_purges_nothing(browser, larder):
    larder.get("/articles/42")
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="the entry")
    open_page(browser, larder)
    browser.tab_to("purge-kind")
    browser.press("p")
    browser.tab_to("purge-items")
    browser.press("articles:*")
    browser.tab_to("dry=dry")
    browser.press(ENTER)
    until(lambda: "pattern articles:*: 1 entry (articles:42)" in browser.text("purge-answer"), what="the answer")
    assert larder.get("/articles/42").x_cache == "HIT"
    assert browser.errors() == []


@needs_chromium
def test_purges_appear_as_they_happen(browser, larder):
    open_page(browser, larder)
    larder.request("PUT", "/articles/42", body={})
    until(lambda: "write PUT,PATCH,DELETE /articles/{id}" in browser.text("purges"), what="the write's purge")
    larder.purge(tags=["author-7"])
    until(lambda: "tag author-7" in browser.text("purges"), what="the purge by hand")
    assert browser.errors() == []


@needs_chromium
def test_an_entry_is_found_shown_and_compared(browser, larder, origin):
    larder.get("/articles/42")
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="the entry")
    open_page(browser, larder)
    browser.tab_to("entries-prefix")
    browser.press("articles:", ENTER)
    until(lambda: "articles:42" in browser.text("entries"), what="the key")
    browser.run("document.querySelector('#entries tbody button').focus()")
    browser.press(ENTER)
    until(lambda: '"version"' in browser.text("entry"), what="the body")
    origin.on("GET /articles/42", reply(fields={"Content-Type": "text/plain"}, body=b"other"))
    browser.run("document.querySelector('#entry button').focus()")
    browser.press(ENTER)
    until(lambda: "The origin answers otherwise" in browser.text("entry"), what="the difference")
    assert "other" in browser.text("entry")
    browser.picture("dashboard-entry")
    assert browser.errors() == []


@needs_chromium
def test_live_requests_with_a_filter_by_the_keyboard(browser, larder):
    larder.get("/articles/42")
    open_page(browser, larder)
    browser.tab_to("live-filter")
    browser.press("cache=MISS route=/articles/{id}", ENTER)
    until(lambda: "listening" in browser.text("live-state"), what="the listener")

    def shows_a_miss():
        larder.get(f"/articles/{next(numbers)}")
        larder.get("/articles/42")
        return "MISS" in browser.text("live")

    numbers = iter(range(100, 1000))
    until(shows_a_miss, what="a miss")
    assert "HIT" not in browser.text("live")
    browser.picture("dashboard-live")
    browser.tab_to("live-button")
    browser.press(ENTER)
    until(lambda: browser.text("live-button") == "Start", what="the end")
    browser.tab_to("live-filter")
    browser.press("x", ENTER)
    until(lambda: "not understood" in browser.text("live-state") or "unknown" in browser.text("live-state"))


@needs_chromium
def test_advice_and_heaviest_keys(browser, larder, origin):
    origin.on("/other", reply(body=b"o"))
    for number in range(60):
        larder.get("/other")
        larder.get("/articles/42")
    open_page(browser, larder)
    until(lambda: "GET /other was asked about 60 times" in browser.text("advice"), what="the advice")
    until(lambda: "articles:42" in browser.text("top"), what="the key")
    browser.tab_to("by=hits")
    browser.press("\ue014")
    until(lambda: browser.run("return document.querySelector('[name=by]:checked').value") == "misses")
    assert browser.errors() == []


@needs_chromium
def test_an_explanation_by_the_keyboard(browser, larder):
    open_page(browser, larder)
    browser.tab_to("explain-url")
    browser.press("/articles/7", ENTER)
    until(lambda: "articles:7" in browser.text("explain-answer"), what="the explanation")
    assert browser.errors() == []


@needs_chromium
def test_light_and_dark_by_the_keyboard_and_for_the_next_visit(browser, larder):
    open_page(browser, larder)
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.tab_to("theme=auto")
    browser.press("\ue014", "\ue014")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run(ground) != light
    browser.picture("dashboard-dark")
    open_page(browser, larder)
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.errors() == []


@needs_chromium
def test_it_can_be_read_on_a_phone(browser, larder):
    larder.get("/articles/42")
    browser.resize(390, 844)
    open_page(browser, larder)
    until(lambda: "/articles/{id}" in browser.text("routes"), what="the routes")
    assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    browser.picture("dashboard-phone")


@needs_chromium
def test_many_purges_leave_the_forms_below_them_in_reach(browser, larder):
    for number in range(60):
        larder.purge(keys=[f"articles:{number}"])
    browser.resize(390, 844)
    open_page(browser, larder)
    until(lambda: "articles:59" in browser.text("purges"), what="the purges")
    height = "return document.getElementById(arguments[0]).offsetHeight"
    assert browser.run(height, "purges") < 500
    assert browser.run("return document.querySelector('#purges tbody tr').offsetHeight") < 40, "a row is one line"
    assert browser.run("return document.getElementById('purges').tabIndex") == 0, "the keyboard can scroll it"


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, larder, theme):
    script = browser_module.axe_script()
    if script is None:
        pytest.skip("axe comes from npm, which is not installed or reaches no registry")
    larder.get("/articles/42")
    larder.get("/articles?limit=3&token=abc")
    open_page(browser, larder)
    browser.run("localStorage.setItem('theme', arguments[0])", theme)
    open_page(browser, larder)
    until(lambda: "/articles/{id}" in browser.text("routes"), what="the routes")
    assert browser.faults(script) == []


@needs_chromium
def test_a_token_is_asked_for_and_stays_in_the_tab(browser, origin, start_larder):
    larder = start_larder(
        WIRE.replace("admin: <admin>", "admin: {address: '<admin>', token: secret}"),
        limits="{}",
        route="ttl: 60",
        extra="",
        origin=origin.url,
        token="secret",
    )
    browser.show(address(larder))
    until(lambda: "a token is needed" in browser.text("state"), what="the question")
    browser.tab_to("token")
    browser.press("secret", ENTER)
    until(lambda: "up for" in browser.text("state"), what="the figures")
    browser.show(address(larder))
    until(lambda: "up for" in browser.text("state"), what="the figures without being asked again")


@needs_chromium
def test_the_errors_of_the_last_reload_are_shown_until_one_is_accepted(browser, origin, start_larder):
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin.url)
    with open(larder.config_file) as file:
        good = file.read()
    larder.write_config(good + "surprise: 1\n")
    larder.reload()
    until(lambda: "the old one stays" in larder.log(), what="the refusal")
    open_page(browser, larder)
    until(lambda: "surprise: unknown key" in browser.text("reload-errors"), what="the error")
    larder.write_config(good)
    larder.reload()
    until(lambda: "the configuration was reloaded" in larder.log(), what="the reload")
    open_page(browser, larder)
    until(lambda: browser.run("return document.getElementById('reload').hidden"), what="its end")


def policy_of(larder):
    return larder.admin("GET", "/").field("content-security-policy")


def test_the_page_allows_itself_and_nothing_else(origin, start_larder):
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin.url)
    response = larder.admin("GET", "/")
    policy = policy_of(larder)
    assert "unsafe" not in policy and "default-src 'none'" in policy and "sha256-" in policy
    page = response.body.decode()
    assert not re.search(r"(?:src|href)=\"?(?:https?:)?//", page)
    assert re.search(r"data-offers=\"[^\"]*/stats[ \"]", page)


def test_history_counts_what_happened(origin, start_larder):
    origin.on("/cached/x", reply(body=b"x"))
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin.url)
    for _ in range(4):
        larder.get("/cached/x")

    def counted():
        history = json.loads(larder.admin("GET", "/history").body)
        return history if sum(history["hour"]["requests"]) == 4 else None

    history = until(counted, timeout=30, what="the sample after ten seconds")
    assert sum(history["hour"]["served"]) == 3 and sum(history["hour"]["asked"]) == 4
    assert sum(history["day"]["requests"]) == 4
    assert history["hour"]["step_seconds"] == 10 and history["day"]["step_seconds"] == 300
    assert history["last_reload"] is None


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_the_committed_bundle_is_that_of_the_sources(tmp_path):
    made = subprocess.run(["scripts/dashboard", str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True)
    if made.returncode != 0 and not os.path.exists(os.path.join(PAGE, "node_modules")):
        pytest.skip("npm reaches no registry")
    assert made.returncode == 0, made.stdout + made.stderr
    names = os.listdir(tmp_path)
    _, different, missing = filecmp.cmpfiles(tmp_path, os.path.join(PAGE, "bundle"), names, shallow=False)
    assert (different, missing) == ([], []), "run scripts/dashboard"
