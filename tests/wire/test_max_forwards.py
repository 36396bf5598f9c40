"""How far OPTIONS and TRACE go (RFC 9110, 7.6.2)."""
import pytest

from support.scripted_origin import reply


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_a_request_that_may_go_no_further_is_answered_here(origin, larder, method):
    secrets = {
        "Authorization": "Basic c2VjcmV0",
        "Cookie": "a=c2VjcmV0",
        "Proxy-Authorization": "c2VjcmV0",
        "X-Api-Key": "c2VjcmV0",
        "Remote-User": "c2VjcmV0",
    }
    with larder.connect() as client:
        answer = client.request(method, "/x?y=1", {"Max-Forwards": "0", "X-Kept": "yes", **secrets})
        assert answer.status == 200 and origin.count() == 0
        if method == "OPTIONS":
            assert answer.field("content-length") == "0" and "GET" in answer.field("allow").split(", ")
        else:
            assert answer.field("content-type") == "message/http"
            assert answer.body.startswith(b"TRACE /x?y=1 HTTP/1.1\r\nHost: ") and b"X-Kept: yes\r\n" in answer.body
            assert b"c2VjcmV0" not in answer.body and answer.body.endswith(b"\r\n\r\n")
        assert client.get("/x").status == 404  # the connection goes on


@pytest.mark.parametrize(
    "method, given, passed",
    [
        ("OPTIONS", "1", "0"),
        ("TRACE", "70", "69"),
        ("OPTIONS", "99999999999999999999999", "18446744073709551614"),
        ("GET", "0", "0"),
        ("POST", "x", "x"),
        ("DELETE", "5", "5"),
    ],
)
def test_the_number_of_hops_is_counted_down_for_options_and_trace_only(origin, larder, method, given, passed):
    origin.on("/x", reply())
    assert larder.request(method, "/x", {"Max-Forwards": given}).status == 200
    assert origin.requests("/x")[0].field("max-forwards") == passed


def test_a_trace_needs_a_limit_and_takes_no_body(larder):
    assert larder.request("TRACE", "/x").status == 501
    assert larder.request("TRACE", "/x", {"Max-Forwards": "0"}, b"body").status == 400


@pytest.mark.parametrize(
    "lines",
    [
        [("Max-Forwards", "x")],
        [("Max-Forwards", "-1")],
        [("Max-Forwards", "")],
        [("Max-Forwards", "1"), ("Max-Forwards", "2")],
    ],
)
def test_a_number_of_hops_that_is_none_is_refused(origin, larder, lines):
    answer = larder.request("OPTIONS", "/x", lines)
    assert answer.status == 400 and "detail=bad-request" in answer.cache_status and origin.count() == 0
