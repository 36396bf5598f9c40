"""A real Chromium before a TLS listener: it speaks HTTP/2 without being told to, and gets a page with all its parts."""
import pytest

from support.certificates import Authority
from support.scripted_origin import reply
from support.waiting import until

browser_module = pytest.importorskip("support.browser", reason="python3-selenium is not installed")
needs_chromium = pytest.mark.skipif(not browser_module.is_installed(), reason="Chromium is not installed")

TEXT = """
listen: {address: <listen>, tls: {certificate: <certificate>, key: <key>}<more>}
admin: <admin>
origin: <origin>
routes:
  - {match: "GET /parts/{n}", key: "parts:{n}", ttl: 60}
  - {match: "PUT /parts/{n}", purge: ["parts:{n}"]}
"""
PARTS = 60
PAGE = b"""<!doctype html><title>parts</title><link rel="icon" href="data:,"><body><script>
async function part(n, options) { return (await fetch('/parts/' + n, options)).text() }
async function all() { return (await Promise.all([...Array(%d).keys()].map(n => part(n)))).join(' ') }
</script>""" % PARTS


@pytest.fixture
def chromium():
    browser = browser_module.Browser(arguments=["--ignore-certificate-errors"])
    yield browser
    browser.stop()


def shown(browser, larder):
    browser.show(f"https://127.0.0.1:{larder.port}/")
    return browser.driver.execute_async_script("all().then(arguments[0])").split()


def protocols(browser):
    return set(browser.run("return performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol)"))


@needs_chromium
@pytest.mark.parametrize("more, protocol", [("", "h2"), (", http2: off", "http/1.1")])
def test_a_page_and_its_parts(origin, start_larder, tmp_path, chromium, more, protocol):
    certificate, key = Authority(tmp_path).issue("127.0.0.1")
    origin.on("GET /", reply(fields={"Content-Type": "text/html"}, body=PAGE))
    for n in range(PARTS):
        origin.on(f"GET /parts/{n}", reply(body=f"one-{n}"))
        origin.on(f"PUT /parts/{n}", reply(body=b"written"))
    larder = start_larder(TEXT, origin=origin.url, certificate=certificate, key=key, more=more)
    assert shown(chromium, larder) == [f"one-{n}" for n in range(PARTS)]
    assert protocols(chromium) == {protocol}
    until(lambda: shown(chromium, larder) and larder.metrics().total("larder_memory_entries") == PARTS)
    asked = origin.count("GET /parts/7")
    assert shown(chromium, larder)[7] == "one-7" and origin.count("GET /parts/7") == asked, "a hit"
    origin.on("GET /parts/7", reply(body=b"two-7"))
    put = "part(7, {method: 'PUT', body: 'x'.repeat(100000)}).then(arguments[0])"
    assert chromium.driver.execute_async_script(put) == "written"
    assert shown(chromium, larder)[7] == "two-7"
    assert chromium.errors() == []
