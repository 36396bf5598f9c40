"""Configurations that more than one test file uses."""

BOTH_TIERS = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: {url: "<redis>"}
memory: <memory>
routes:
"""

ARTICLES = (
    BOTH_TIERS
    + """\
  - {match: "GET /articles", key: "articles:list:{skip=0}:{limit=20}", ttl: 60}
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "GET /users/{id}", key: "users:{id}", ttl: 600}
  - {match: "GET /tags", key: "tags:list", ttl: 300}
  - {match: "POST /articles", purge: ["articles:list:*"]}
  - {match: "PUT,PATCH,DELETE /articles/{id}", purge: ["articles:{id}", "articles:list:*"]}
"""
)

WIRE = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 2
limits: <limits>
routes:
  - {match: "GET /cached/{name}", key: "cached:{name}", <route>}
<extra>
"""
