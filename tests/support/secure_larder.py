"""A larder with a TLS listener and a plain one."""
import ssl

from .ports import HOST, free_port

TEXT = """
listen: [{address: <listen>, http2: <http2>, tls: {certificate: <certificate>, key: <key>}}, <plain>]
admin: <admin>
origin: <origin>
threads: 2
routes: [{match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}]
"""


def start_secure(authority, origin, start_larder, http2="on"):
    certificate, key = authority.issue("larder.test")
    named = {"certificate": certificate, "key": key, "plain": f"{HOST}:{free_port()}", "http2": http2}
    larder = start_larder(TEXT, origin=origin.url, **named)
    larder.plain_address = named["plain"]
    return larder


def offering(authority, *protocols):
    """A client's context that offers these by ALPN."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(list(protocols))
    return context
