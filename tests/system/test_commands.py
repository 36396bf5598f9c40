"""The other commands: check, explain, stats, version."""
import os
import subprocess

import pytest

from support import larder as larder_command
from support.larder import REPOSITORY
from support.scripted_origin import reply
from support.versioned_api import VersionedApi
from support.waiting import until

DEMO = os.path.join(REPOSITORY, "config", "articles.yaml")


@pytest.fixture
def check(tmp_path):
    """check(text) runs `larder check` on that text; the finished process with output in .text."""

    def run(text):
        config = tmp_path / "larder.yaml"
        config.write_text(text)
        done = larder_command.run("check", "-c", str(config))
        done.text = done.stdout + done.stderr
        return done

    return run


def test_the_demo_configuration_has_two_warnings_and_is_fine():
    done = larder_command.run("check", "-c", DEMO)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert text.count(": warning: ") == 2 and "users" in text and "tags" in text


def test_the_reference_configuration_is_fine():
    reference = os.path.join(REPOSITORY, "config", "larder.yaml")
    assert larder_command.run("check", "-c", reference).returncode == 0


def test_check_reports_all_errors_with_their_places(check):
    done = check(
        """listen: 127.0.0.1:8080
origin: http://127.0.0.1:8000
memory: 12 parsecs
surprise: 1
limits: {header_bytes: -1}
routes:
  - match: GET /a
    key: a
    ttl: soon
"""
    )
    assert done.returncode == 1
    for place in ("larder.yaml:3:9", "larder.yaml:4:1", "larder.yaml:5:", "larder.yaml:9:10"):
        assert place in done.text
    for word in ("memory", "surprise", "limits.header_bytes", "ttl"):
        assert word in done.text


@pytest.mark.parametrize(
    "text, place, word",
    [
        ("origin: nonsense", "1:9", "origin"),
        ("origin: ${UNSET_FOR_THIS_TEST}", "1:9", "UNSET_FOR_THIS_TEST"),
        ("memory: off\nredis: redis://127.0.0.1", "1:1", "origin"),
        ("- a", "1:1", "a map"),
        *(
            (f"origin: http://h\nroutes:\n  - match: GET /a\n    {key}\n", f"4:{column}", "routes[0].key")
            for key, column in (('key: ""', 10), ("key: [a]", 10), ('key: "a${1X}"', 10), ("key:", 9))
        ),
        ("origin: http://h\nroutes:\n  - match:\n    key: a\n", "3:11", "routes[0].match"),
        ("origin: http://h\nroutes:\n  - mtch: GET /a\n    key: a\n", "3:5", "routes[0].mtch"),
        *(
            (
                f"origin: http://h\nroutes:\n  - match: GET /a\n    key: a\n    {name}:\n      - x-a\n      - {item}\n",
                "7:9",
                f"routes[0].{name}[1]",
            )
            for name, item in (
                ("tags", "'{json:/a}'"),
                ("tags", "''"),
                ("strip", "a b"),
                ("strip", "trailer"),
                ("ignore_query", "''"),
            )
        ),
        ("origin: http://h\nroutes:\n  - key: a\n", "3:5", "routes[0]"),
        ("origin: http://h\nroutes:\n  - match: PUT /a\n    purge: ['', a, '{x']\n", None, None),
    ],
)
def test_one_mistake_is_one_error(check, text, place, word):
    done = check(text)
    assert done.returncode == 1
    if place is None:
        assert "purge[0]" in done.text and "purge[2]" in done.text and done.text.count(": error: ") == 2, done.text
    else:
        assert done.text.count(": error: ") == 1 and "1 error," in done.text, done.text
        assert f"larder.yaml:{place}: error: " in done.text and word in done.text, done.text


def test_errors_of_form_and_failing_examples_are_reported_together(check):
    done = check(
        """origin: http://127.0.0.1:8000
memory: soon
routes:
  - {match: "GET /a", key: a, ttl: 60}
examples:
  - {request: GET /a, key: b}
  - {request: GET /a, key: a, ttl: soon}
  - {request: GET /a}
  - {request: GET /a, cache: off}
"""
    )
    assert done.returncode == 1 and done.text.count(": error: ") == 5, done.text
    for place in (
        "2:9: error: memory",
        "6:5: error: examples[0].key",
        "7:36: error: examples[1].ttl",
        "8:5: error: examples[2]",
        "9:5: error: examples[3].cache",
    ):
        assert f"larder.yaml:{place}" in done.text, done.text


def test_an_example_of_a_bypassed_query_is_not_cached(check):
    text = """origin: http://127.0.0.1:8000
routes:
  - {match: "GET /s", key: "s:{q}", ttl: 60, query: bypass}
  - {match: "PUT /s", purge: ["s:*"]}
examples:
  - {request: "GET /s?q=1&page=2", cache: off}
  - {request: "GET /s?q=1", key: "s:1", ttl: 60}
"""
    assert check(text).returncode == 0, check(text).text
    for wrong in (
        '{request: "GET /s?q=1", cache: off}',
        '{request: "GET /s?q=1&page=2", key: "s:1"}',
        '{request: "GET /s?q=1&page=2", ttl: 60}',
    ):
        done = check(text + f"  - {wrong}\n")
        assert done.returncode == 1 and "examples[2]" in done.text and done.text.count(": error: ") == 1, done.text


def test_the_admin_shows_effective_values(origin, redis, start_larder):
    larder = start_larder(
        """listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
""",
        origin=origin.url,
        redis=redis.url,
    )
    shown = larder.admin("GET", "/config")
    assert shown.field("Content-Type") == "application/json"
    threads = shown.json()["threads"]
    assert threads == len(os.sched_getaffinity(0)) or threads == os.cpu_count()
    assert shown.json()["redis"]["max_connections"] == max(10, threads + 2)


@pytest.mark.parametrize(
    "option, wrong",
    [("--origin", "nonsense"), ("--listen", "nonsense"), ("--redis", "nonsense"), ("--admin", "nonsense")],
)
def test_a_wrong_option_of_serve_is_a_usage_error(option, wrong):
    words = ["serve", "--origin", "http://127.0.0.1:1", "--admin", "off", "--listen", "127.0.0.1:0"]
    done = larder_command.run(
        *[word for pair in zip(words[1::2], words[2::2]) if pair[0] != option for word in pair], option, wrong
    )
    assert done.returncode == 2, done
    assert option in done.stderr and "expected" in done.stderr and "larder serve --help" in done.stderr


def test_check_takes_a_redis_cluster_and_refuses_what_it_has_not(check):
    assert check("origin: http://127.0.0.1:8000\nredis: redis-cluster://h1:7000,h2:7001\n").returncode == 0
    done = check("origin: http://127.0.0.1:8000\nredis: {url: 'rediss-cluster://h1:7000/3'}\n")
    assert done.returncode == 1 and "error: redis.url: a Redis Cluster has database 0 only" in done.text, done.text


@pytest.mark.parametrize(
    "routes, word",
    [
        ('[{match: "GET /a/{rest*}", key: "a:{rest}", ttl: 1}, {match: "GET /a/b", key: b, ttl: 1}]', "/a/b"),
        ('[{match: "GET /a", key: a, ttl: 1}, {match: "POST /a", purge: ["b:*"]}]', "b:*"),
        ('[{match: "GET /a", key: a, ttl: 1}]', "/a"),
        ('[{match: "GET /a/{id}", key: a, ttl: 1}, {match: "PUT /a/{id}", purge: [a]}]', "id"),
        ('[{match: "GET /a", key: a, ttl: 0}, {match: "PUT /a", purge: [a]}]', "ttl"),
        (
            '[{match: "GET /a", key: a, ttl: 1, ignore: [authorization]}, {match: "PUT /a", purge: [a]}]',
            "authorization",
        ),
    ],
)
def test_check_warns_of_what_is_probably_a_mistake(check, routes, word):
    done = check(f"origin: http://127.0.0.1:8000\nroutes: {routes}\n")
    assert done.returncode == 0, done.text
    assert "warning" in done.text and word in done.text


def test_examples_in_the_configuration_are_tests(check):
    text = """origin: http://127.0.0.1:8000
routes:
  - {match: "GET /articles", key: "articles:list:{skip=0}:{limit=20}", ttl: 60}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}", "articles:list:*"]}
examples:
  - {request: "GET /articles?limit=5", key: "articles:list:0:5", ttl: 60s}
  - {request: "PUT /articles/7", purges: ["articles:7", "articles:list:*"]}
  - {request: "GET /health", cache: off}
"""
    assert check(text).returncode == 0
    wrong = check(text.replace('key: "articles:list:0:5"', 'key: "articles:list:0:6"'))
    assert wrong.returncode == 1 and "articles:list:0:5" in wrong.text and "larder.yaml:6:" in wrong.text


@pytest.mark.parametrize(
    "method, url, words",
    [
        ("GET", "/articles", ["articles:list:0:20", "60"]),
        ("GET", "/articles?published_only=false&limit=5", ["articles:list:0:5?published_only=false"]),
        ("GET", "/articles/42", ["articles:42", "300"]),
        ("PUT", "/articles/42", ["articles:42", "articles:list:*"]),
        ("GET", "/nowhere", ["no-route"]),
    ],
)
def test_explain_says_what_would_happen(method, url, words):
    done = larder_command.run("explain", "-c", DEMO, method, url)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout


def test_explain_takes_header_fields_into_account():
    done = larder_command.run("explain", "-c", DEMO, "GET", "/articles/42", "-H", "Authorization: Basic x")
    assert done.returncode == 0 and "authorization" in done.stdout


def test_explain_says_plainly_whether_credentials_are_answered_from_the_cache(tmp_path):
    config = tmp_path / "larder.yaml"
    config.write_text(
        '''
origin: http://127.0.0.1:8000
routes:
  - {match: "GET /plain", key: "plain", ttl: 60}
  - {match: "GET /keyed", key: "keyed:{header:x-api-key}", ttl: 60}
'''
    )
    plain = larder_command.run("explain", "-c", str(config), "GET", "/plain", "-H", "X-API-Key: k").stdout
    assert "answer    not from the cache" in plain and "(authorization)" in plain
    keyed = larder_command.run("explain", "-c", str(config), "GET", "/keyed", "-H", "X-API-Key: k").stdout
    assert "answer    from the cache" in keyed
    lines = larder_command.run("explain", "-c", str(config), "GET", "/plain").stdout.splitlines()
    assert not [line for line in lines if line.startswith("answer ")]


def test_an_example_that_fails_says_what_it_is_instead(tmp_path):
    config = tmp_path / "larder.yaml"
    config.write_text(
        '''
origin: http://127.0.0.1:8000
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
examples:
  - {request: GET /articles/7, cache: off}
  - {request: GET /articles/7, key: "articles:8", ttl: 60s}
  - {request: PUT /articles/7, key: "articles:7"}
'''
    )
    told = larder_command.run("check", "-c", str(config)).stderr
    assert (
        'cached as "articles:7" for 300s' in told and 'it is "articles:7"' in told and 'purges ["articles:7"]' in told
    )


def test_the_admin_explains_where_an_entry_is(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    before = larder.admin("GET", "/explain?method=GET&url=http://api.test/articles/42")
    assert before.status == 200 and "articles:42" in before.body.decode()
    larder.get("/articles/42")
    # An answer is out before its entry is stored.
    after = until(
        lambda: (now := larder.admin("GET", "/explain?method=GET&url=http://api.test/articles/42")).json()
        != before.json()
        and now,
        what="the entry",
    )
    assert after.json()["decision"] == "hit" and "redis" in after.json()["entry"]["where"]
    assert origin.count("GET /articles/42") == 1


@pytest.mark.parametrize("memory, tiers", [("64MB", ["memory", "redis"]), ("off", ["redis"])])
def test_the_admin_finds_an_entry_that_a_client_with_another_host_filled(origin, redis, articles_larder, memory, tiers):
    VersionedApi(origin)
    larder = articles_larder(origin, redis, memory=memory)
    until(lambda: larder.get("/articles/42", host="shop.test:81").x_cache == "HIT", what="a hit")
    for asked_by in ("shop.test:81", f"127.0.0.1:{larder.admin_port}", "elsewhere.test"):
        answer = larder.admin("GET", "/explain?url=/articles/42", host=asked_by).json()
        assert answer["decision"] == "hit", answer
        assert answer["entry"]["where"] == tiers and answer["entry"]["host"] == "shop.test:81"
        assert 0 <= answer["entry"]["age"] < 10 and 290 < answer["entry"]["ttl"] <= 300
    # Who names a host is told about that one.
    for named in (
        "/explain?url=http://elsewhere.test/articles/42",
        "/explain?url=/articles/42&header=Host:elsewhere.test",
    ):
        answer = larder.admin("GET", named).json()
        assert answer["decision"] == "fetch" and "entry" not in answer and "elsewhere.test" in answer["reason"]
    larder.get("/articles/42", host="elsewhere.test")
    until(lambda: larder.get("/articles/42", host="elsewhere.test").x_cache == "HIT", what="a hit")
    own = larder.admin("GET", "/explain?url=/articles/42", host="elsewhere.test").json()
    assert own["entry"]["host"] == "elsewhere.test"


def test_stats_shows_figures_and_fails_where_nobody_answers(origin, redis, articles_larder):
    larder = articles_larder(origin, redis)
    assert larder.stats()
    done = larder_command.run("stats", "--admin", f"http://127.0.0.1:{larder.admin_port}")
    assert done.returncode == 0 and done.stdout
    assert larder_command.run("stats", "--admin", "http://127.0.0.1:1").returncode == 1


def test_version_help_and_usage():
    version = larder_command.run("--version")
    assert version.returncode == 0 and version.stdout.strip()
    help_text = larder_command.run("--help")
    assert help_text.returncode == 0 and all(
        word in help_text.stdout for word in ("serve", "check", "explain", "purge", "stats")
    )
    for words in (["--no-such-option"], ["explain"], ["purge"]):
        assert larder_command.run(*words).returncode == 2, words


@pytest.mark.parametrize("words", [["schema"], ["check", "-c", DEMO]], ids=["schema", "check"])
def test_a_text_that_cannot_be_written_is_a_failure(words):
    with open("/dev/full", "w") as full:
        done = subprocess.run([larder_command.binary(), *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1 and "cannot write" in done.stderr


def test_readiness_is_not_taken_from_another_server(origin):
    origin.on("GET /readyz", reply(body=b"ok"))
    done = larder_command.run("stats", "--ready", "--admin", origin.url)
    assert done.returncode == 1 and "not larder's admin address" in done.stderr


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "larder.yaml"
    path.write_bytes(b"origin: http://127.0.0.1:1\nroutes:\n  - {match: GET /caf\xe9, key: a}\n")
    done = larder_command.run("check", "-c", str(path))
    text = done.stderr + done.stdout
    assert done.returncode == 1 and "larder.yaml:3:1: error" in text and "UTF-8" in text
