"""The admin address: tokens and their rights, TLS, the record of purges, reloading."""
import json
import ssl
import urllib.request

import pytest

from support import larder as larder_command
from support.certificates import Authority
from support.configurations import ARTICLES
from support.larder import Larder
from support.scripted_origin import reply
from support.versioned_api import VersionedApi
from support.waiting import until

TOKENS = """\
  tokens:
    - {name: graphs, token: "read-secret", may: [read]}
    - {name: deploy, token: "purge-secret", may: [purge, reload]}
"""


def with_admin(text, more):
    return text.replace("admin: <admin>", "admin:\n  address: <admin>\n" + more)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def api(origin):
    return VersionedApi(origin)


@pytest.fixture
def larder(origin, redis, api, articles_larder):
    # The purges here are to be acknowledged even where the machine stands still for a moment.
    patient = ARTICLES.replace('{url: "<redis>"}', '{url: "<redis>", timeout: 2s}')
    assert patient != ARTICLES
    return articles_larder(origin, redis, text=with_admin(patient, TOKENS), metrics_token="read-secret")


def purges(larder, token="read-secret"):
    answer = larder.admin("GET", "/purges", bearer(token))
    assert answer.status == 200, answer
    return answer.json()["purges"]


def test_a_token_may_do_what_it_says(larder):
    assert larder.admin("GET", "/stats").status == 401
    assert larder.admin("GET", "/readyz").status == 200
    assert larder.admin("GET", "/stats", bearer("read-secret")).status == 200
    refused = larder.admin("POST", "/purge", bearer("read-secret"), {"keys": ["articles:1"]})
    assert refused.status == 403 and "graphs" in refused.json()["detail"] and "purge" in refused.json()["detail"]
    assert larder.admin("POST", "/purge", bearer("purge-secret"), {"keys": ["articles:1"]}).status == 200
    assert larder.admin("GET", "/stats", bearer("purge-secret")).status == 403
    assert larder.admin("POST", "/reload", bearer("read-secret")).status == 403


def test_no_token_shows_anywhere(larder):
    larder.admin("POST", "/purge", bearer("purge-secret"), {"keys": ["articles:1"]})
    shown = larder.admin("GET", "/config", bearer("read-secret")).body + larder.admin(
        "GET", "/purges", bearer("read-secret")
    ).body
    assert b"read-secret" not in shown and b"purge-secret" not in shown
    assert b"deploy" in shown
    assert "read-secret" not in larder.log() and "purge-secret" not in larder.log()


def test_the_record_tells_who_purged_what(larder, origin):
    larder.get("/articles/7")
    assert larder.request("PUT", "/articles/7", body=b"{}").status < 300
    larder.admin("POST", "/purge", bearer("purge-secret"), {"tags": ["t"], "urls": ["/articles/8"], "soft": True})
    larder.request("PURGE", "/articles/9")
    larder.admin("POST", "/service/s/purge/a", {"Fastly-Key": "purge-secret"})
    zone = "/client/v4/zones/z/purge_cache"
    larder.admin("POST", zone, bearer("purge-secret"), {"purge_everything": True})
    found = purges(larder)
    assert [record["source"] for record in found] == ["cloudflare", "fastly", "purge", "api", "write"]
    cloudflare, fastly, method, api, write = found
    assert cloudflare["everything"] is True and cloudflare["token"] == "deploy"
    assert fastly["tags"] == ["a"] and method["urls"] == ["/articles/9"] and method["token"] == ""
    assert api["tags"] == ["t"] and api["urls"] == ["/articles/8"] and api["soft"] is True
    assert write["route"] == "PUT,PATCH,DELETE /articles/{id}" and write["who"] == "127.0.0.1"
    assert "articles:7" in write["keys"] and "articles:list:*" in write["patterns"]
    for record in found:
        assert record["acknowledged"] is True and record["milliseconds"] > 0 and record["time"].endswith("Z")

    def lines_of_purges():
        lines = [line for line in larder.log().splitlines() if " purge source=" in line]
        return lines if len(lines) >= len(found) else None

    lines = until(lines_of_purges, what="a line of the log for each")
    assert len(lines) == len(found)
    assert 'token="deploy"' in lines[-1] and "source=cloudflare" in lines[-1]
    metrics = larder.admin("GET", "/metrics", bearer("read-secret")).body.decode()
    assert 'larder_purges_total{source="api"} 1' in metrics and 'larder_purges_total{source="fastly"} 1' in metrics


def test_a_purge_that_redis_has_not_acknowledged_is_recorded_so(larder, redis):
    redis.stop()
    until(lambda: larder.get("/articles/1").x_cache == "BYPASS", what="larder noticing that Redis is gone")
    answer = larder.admin("POST", "/purge", bearer("purge-secret"), {"keys": ["articles:1"]})
    assert answer.status == 202 and answer.json()["acknowledged"] is False
    assert purges(larder)[0]["acknowledged"] is False


def test_the_record_hides_what_comes_from_header_fields(origin, redis, api, articles_larder):
    origin.on("POST /mine", reply(body=b"done"))
    text = ARTICLES + '  - {match: "POST /mine", purge: ["mine:{header:x-user}:{cookie:sid}:*"]}\n'
    larder = articles_larder(origin, redis, text=text)
    larder.request("POST", "/mine", {"X-User": "alice", "Cookie": "sid=s3cret"})
    record = larder.admin("GET", "/purges").json()["purges"][0]
    assert record["patterns"] == ["mine:***:***:*"]
    assert "alice" not in larder.log() and "s3cret" not in larder.log()


def test_reload_answers_with_what_is_wrong(larder):
    text = with_admin(ARTICLES, TOKENS)
    larder.write_config(text.replace("ttl: 600", "ttl: soon"))
    refused = larder.admin("POST", "/reload", bearer("purge-secret"))
    assert refused.status == 422
    [error] = refused.json()["errors"]
    assert error["path"] == "routes[2].ttl" and error["line"] > 0 and error["column"] > 0
    assert error["file"] == larder.config_file and "duration" in error["message"]
    larder.write_config(text.replace("ttl: 600", "ttl: 601"))
    done = larder.admin("POST", "/reload", bearer("purge-secret"))
    assert done.status == 200 and done.json()["errors"] == []
    config = larder.admin("GET", "/config", bearer("read-secret")).json()
    assert config["routes"][2]["ttl"] == "601s"


def test_new_tokens_count_after_a_reload(larder):
    text = with_admin(ARTICLES, TOKENS.replace("read-secret", "other-secret"))
    larder.write_config(text)
    assert larder.admin("POST", "/reload", bearer("purge-secret")).status == 200
    assert larder.admin("GET", "/stats", bearer("read-secret")).status == 401
    assert larder.admin("GET", "/stats", bearer("other-secret")).status == 200


def test_the_admin_address_speaks_tls(origin, redis, api, tmp_path, scene):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    text = with_admin(ARTICLES, f"  tls: {{certificate: {certificate}, key: {key}}}\n")
    larder = scene(Larder(text, start=False, origin=origin.url, redis=redis.url, memory="off"))
    larder.launch()
    context = ssl.create_default_context(cafile=authority.certificate)
    address = f"https://127.0.0.1:{larder.admin_port}"

    def ready():
        try:
            return urllib.request.urlopen(address + "/readyz", context=context, timeout=2).status == 200
        except OSError:
            return False

    until(ready, timeout=20, what="readiness over TLS")
    stats = json.load(urllib.request.urlopen(address + "/stats", context=context, timeout=2))
    assert "requests" in stats
    trusting = {"SSL_CERT_FILE": authority.certificate}
    done = larder_command.run("purge", "--admin", address, "articles:42", env=trusting)
    assert done.returncode == 0, done.stderr
    done = larder_command.run("purge", "--admin", address, "articles:42")
    assert done.returncode == 1 and "certificate" in done.stderr


@pytest.mark.parametrize(
    "tokens, message",
    [
        ("[{name: a, token: x}]", "may"),
        ("[{name: a, token: x, may: []}]", "at least one of read, purge and reload"),
        ("[{name: a, token: x, may: [write]}]", "read, purge or reload"),
        ("[{name: a, token: x, may: [read]}, {name: a, token: y, may: [read]}]", "has the name of an earlier token"),
        ("[{name: a, token: '', may: [read]}]", "must not be empty"),
    ],
)
def test_check_tells_what_is_wrong_with_tokens(tmp_path, tokens, message):
    config = tmp_path / "larder.yaml"
    config.write_text(f"admin:\n  address: 127.0.0.1:9180\n  tokens: {tokens}\norigin: http://127.0.0.1:1\n")
    done = larder_command.run("check", "-c", str(config))
    assert done.returncode == 1 and "admin.tokens" in done.stdout + done.stderr and message in done.stdout + done.stderr


@pytest.mark.parametrize("target", ["/entry?url=/articles/42&body=1", "/entry?url=/articles/42&diff=1", "/entries"])
def test_what_shows_bodies_needs_the_right_to_purge_and_no_other(larder, target):
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="an entry")
    assert larder.admin("GET", target, bearer("purge-secret")).status == 200
    assert larder.admin("GET", target, bearer("read-secret")).status == 403


def test_an_entry_without_its_body_needs_the_right_to_read(larder):
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="an entry")
    assert larder.admin("GET", "/entry?url=/articles/42", bearer("read-secret")).status == 200
    assert larder.admin("GET", "/entry?url=/articles/42", bearer("purge-secret")).status == 403


@pytest.mark.parametrize("target", ["/", "/stats", "/metrics", "/entries", "/entry?url=/articles/42&body=1", "/config"])
def test_without_a_token_a_browser_is_answered_under_no_other_name(origin, redis, api, articles_larder, target):
    """A web page can let its own name lead to this machine, and read what is answered to it (DNS rebinding)."""
    larder = articles_larder(origin, redis)
    until(lambda: larder.get("/articles/42").x_cache == "HIT", what="an entry")
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept-Language": "en"}
    refused = larder.admin("GET", target, {**browser, "Host": "evil.example:9180"})
    assert refused.status == 403 and "token" in refused.json()["detail"]
    for host in ("localhost:9180", "127.0.0.1", "[::1]:9180"):
        assert larder.admin("GET", target, {**browser, "Host": host}).status == 200
    assert larder.admin("GET", "/readyz", {**browser, "Host": "evil.example"}).status == 200
    assert larder.admin("GET", target, {"Host": "metrics.internal"}).status == 200  # no browser
