"""Keys made of a JSON body, beside the npm package `canonicalize`, which writes RFC 8785 too."""
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from support.larder import REPOSITORY
from support.raw_client import request_bytes
from support.scripted_origin import ScriptedOrigin, reply

CLIENTS = os.path.join(REPOSITORY, "tests", "clients")
DOCUMENTS, SEED = 100_000, 8785

ROUTES = """
listen: <listen>
admin: <admin>
origin: <origin>
limits: {key_body: 1MB}
routes:
  - {match: "QUERY /json", key: "json:{body|json|sha256}", ttl: 600}
"""


def spelled_and_canonical():
    """Pairs of texts, each an array of a hundred documents."""
    if not shutil.which("node") or not os.path.isdir(os.path.join(CLIENTS, "node_modules", "canonicalize")):
        pytest.skip("the package canonicalize is not installed: npm ci --prefix tests/clients")
    command = ["node", os.path.join(CLIENTS, "canonical_json.mjs"), str(DOCUMENTS), str(SEED)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [(line["body"].encode(), line["canonical"].encode()) for line in lines]


def stored_keys(larder):
    keys, page = set(), larder.admin("GET", "/entries?prefix=json:").json()
    while True:
        keys |= {entry["key"] for entry in page["entries"]}
        if page["next"] is None:
            return keys
        page = larder.admin("GET", f"/entries?prefix=json:&after={page['next']}").json()


def test_100_000_documents_have_the_keys_that_canonicalize_gives_them(scene, start_larder):
    pairs = spelled_and_canonical()
    assert len(pairs) == DOCUMENTS // 100
    origin = scene(ScriptedOrigin(default=reply(body=b"x")))
    larder = start_larder(ROUTES, origin=origin.url)
    with larder.connect() as client:
        for body, canonical in pairs:
            # The second one finds the entry of the first one, or makes one of its own.
            for text in (body, canonical):
                client.send(request_bytes("QUERY", "/json", {"Content-Type": "application/json"}, text))
                answer = client.read_response("QUERY")
                assert answer.x_cache in ("MISS", "HIT"), (answer, text)
    expected = {f"json:{hashlib.sha256(canonical).hexdigest()}?!QUERY,application%2Fjson," for _, canonical in pairs}
    assert stored_keys(larder) == expected
