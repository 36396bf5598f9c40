"""The text of a run's configuration, with the rules that reloads change."""
import functools
import os
import subprocess
import tempfile

from ..larder import binary, clean_environment
from .catalog import EXTRA, KINDS, WRITTEN

TTL = 60  # longer than any run: nothing is forgiven because it expired
DRAIN = 3.0  # limits.drain_timeout, seconds

HEAD = """\
listen: <listen>
admin: <admin>
origin: {{servers: ["<origin>"], response_timeout: {response_timeout}}}
redis: {redis}
memory: {memory}
threads: {threads}
limits: {{drain_timeout: {drain:g}s}}
{state}
routes:
"""


def key_of(kind):
    return f"{kind}:{{id}}:{{page=0}}" if kind in ("list", "extra") else f"{kind}:{{id}}"


def pattern_of(kind, subject="{id}"):
    return f"{kind}:{subject}:*" if kind in ("list", "extra") else f"{kind}:{subject}"


def text_of(plan, instance, rules):
    """rules: a dict with extra, cookie, vary and user as history.Rules has them."""
    redis = "off"
    if plan.redis:
        failure = "fail" if plan.fail else "pass"
        redis = f'{{url: "<redis>", timeout: 100ms, on_purge_failure: {failure}}}'
    state = "state: <state>" if plan.state else ""
    text = HEAD.format(
        redis=redis,
        memory="64MB" if instance.memory else "off",
        threads=instance.threads,
        drain=DRAIN,
        state=state,
        response_timeout=f"{plan.response_timeout * 1000:.0f}ms",
    )
    options = {
        "cookie": {"ignore": ", ignore: [set-cookie]", "strip": ", strip: [set-cookie]"}.get(rules["cookie"], ""),
        "lang": ", ignore: [vary]" if rules["vary"] else "",
        "user": ", ignore: [authorization]" if rules["user"] else "",
    }
    for kind in KINDS:
        lifetime = f'ttl: {TTL}, wait: 1s{options.get(kind, "")}'
        text += f'  - {{match: "GET /{kind}/{{id}}", key: "{key_of(kind)}", {lifetime}}}\n'
    purged = [pattern_of(kind) for kind in WRITTEN + (EXTRA if rules["extra"] else ())]
    text += '  - {match: "PUT /thing/{id}", purge: [' + ", ".join(f'"{item}"' for item in purged) + "]}\n"
    return text + f'  - {{match: "GET /rules", key: "rules:{rules["number"]}", ttl: 1}}\n'


@functools.cache
def supports(line):
    """Whether the binary knows this line of a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "larder.yaml")
        with open(path, "w") as file:
            file.write(f"listen: 127.0.0.1:0\norigin: http://127.0.0.1:1\n{line}\n")
        return (
            subprocess.run(
                [binary(), "check", "-c", path],
                capture_output=True,
                env=clean_environment(),
                timeout=30,
            ).returncode
            == 0
        )
