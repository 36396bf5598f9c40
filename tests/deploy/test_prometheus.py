"""What Prometheus and Grafana are given: the metrics, the rules, the dashboard, and the pages that alerts point to."""
import json
import os
import re
import subprocess

import pytest
import yaml

from support.configurations import WIRE
from support.scripted_origin import reply

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(ROOT, "config/prometheus/larder.rules.yml")
RULES_TEST = os.path.join(ROOT, "config/prometheus/larder.rules.test.yml")
DASHBOARD = os.path.join(ROOT, "config/grafana/larder.json")
NAME = re.compile(r"\b(?:larder|process)_[a-z0-9_]+\b")


def rules(kind):
    with open(RULES) as file:
        groups = yaml.safe_load(file)["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def promtool(*arguments, **named):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, **named)


@pytest.fixture
def busy_larder(origin, start_larder):
    """One whose every figure has moved that can without Redis."""
    origin.on("/cached/x", reply(body=b"x"))
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin.url)
    larder.get("/cached/x")
    larder.get("/cached/x")
    larder.purge(keys=["x"])
    return larder


def names_of(larder):
    """What a query may name: families, and the three series of each histogram."""
    metrics = larder.metrics()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.text, re.M))
    names = set(types)
    for name, kind in types.items():
        if kind == "histogram":
            names |= {name + end for end in ("_bucket", "_sum", "_count")}
    return names


def test_promtool_finds_nothing_to_say_about_the_metrics(busy_larder):
    text = busy_larder.metrics_once("larder_requests_total", 2).text
    checked = promtool("check", "metrics", input=text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_what_never_happened_has_no_histogram(busy_larder):
    metrics = busy_larder.metrics_once("larder_requests_total", 2)
    counts = [(name, labels) for name, labels, value in metrics if name.endswith("_count") and value == 0]
    assert counts == []


def test_the_rules_are_valid_and_each_alert_has_a_firing_and_a_silent_case():
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", RULES_TEST)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    with open(RULES_TEST) as file:
        cases = [case for one in yaml.safe_load(file)["tests"] for case in one.get("alert_rule_test", [])]
    for rule in rules("alert"):
        own = [case["exp_alerts"] for case in cases if case["alertname"] == rule["alert"]]
        assert any(own) and not all(own), f"{rule['alert']} needs a case that fires and one that does not"


def test_each_alert_points_to_a_heading_of_the_guide():
    for rule in rules("alert"):
        file, anchor = rule["annotations"]["runbook_url"].split("#")
        with open(os.path.join(ROOT, file)) as guide:
            headings = re.findall(r"^#+ (.*)$", guide.read(), re.M)
        assert anchor in {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}, rule["alert"]
        assert anchor == rule["alert"].lower()


def test_rules_and_dashboard_name_only_metrics_that_exist(busy_larder):
    known = names_of(busy_larder)
    recorded = {rule["record"] for rule in rules("record")}
    expressions = [rule["expr"] for kind in ("record", "alert") for rule in rules(kind)]
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    assert len(expressions) > 40
    for expression in expressions:
        for name in re.findall(r"\b[a-z_]+:[a-z0-9_:]+\b", expression):
            assert name in recorded, f"{name} is not recorded: {expression}"
        unrecorded = re.sub(r"\b[a-z_]+:[a-z0-9_:]+\b", "", expression)
        assert set(NAME.findall(unrecorded)) <= known, expression


def test_the_dashboard_shows_every_metric_of_larder(busy_larder):
    with open(DASHBOARD) as file:
        text = file.read()
    families = {name for name in busy_larder.metrics().families() if name.startswith("larder_")}
    missing = {name for name in families if not re.search(name + r"\b|" + name + "_bucket", text)}
    assert missing == set()


def test_the_dashboards_queries_are_valid(tmp_path):
    """promtool reads rules, so each query is made one, with Grafana's variables filled in."""
    with open(DASHBOARD) as file:
        panels = json.load(file)["panels"]
    queries = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]
    file = tmp_path / "rules.yml"
    made = [{"record": f"query{number}", "expr": query} for number, query in enumerate(queries)]
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    checked = promtool("check", "rules", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
