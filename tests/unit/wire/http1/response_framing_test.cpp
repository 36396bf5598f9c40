#include "wire/http1/response_framing.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::wire::http1;

namespace {

std::string lines_of(const FramedResponse& response) {
    std::string out;
    append_framing(response, frame_response(response), out);
    return out;
}

}  // namespace

TEST_CASE("a body of known length is announced by Content-Length") {
    FramedResponse response;
    response.length = 11;
    CHECK(lines_of(response) == "Content-Length: 11\r\n");
    response.length_in_lines = true;
    CHECK(lines_of(response).empty());
}

TEST_CASE("a body of unknown length is chunked, and ends an HTTP/1.0 connection") {
    FramedResponse response;
    CHECK(lines_of(response) == "Transfer-Encoding: chunked\r\n");
    CHECK(frame_response(response).keep_alive);
    response.minor_version = 0;
    CHECK(lines_of(response) == "Connection: close\r\n");
    CHECK(frame_response(response).until_close);
    CHECK_FALSE(frame_response(response).keep_alive);
}

TEST_CASE("Connection says only what the version does not") {
    FramedResponse response;
    response.length = 0;
    response.length_in_lines = true;
    response.minor_version = 0;
    CHECK(lines_of(response) == "Connection: keep-alive\r\n");
    response.may_keep_alive = false;
    CHECK(lines_of(response) == "Connection: close\r\n");
    response.minor_version = 1;
    CHECK(lines_of(response) == "Connection: close\r\n");
}

TEST_CASE("a response to HEAD has no body, and keeps the length that GET would have") {
    FramedResponse response;
    response.method = http::Method::head;
    response.length = 11;
    CHECK_FALSE(frame_response(response).has_body);
    CHECK(lines_of(response) == "Content-Length: 11\r\n");
    response.length.reset();
    CHECK(lines_of(response).empty());
    response.minor_version = 0;
    CHECK(frame_response(response).keep_alive);
}

TEST_CASE("a status without a body has no framing at all") {
    for (const int status : {101, 103, 204, 304}) {
        CAPTURE(status);
        FramedResponse response;
        response.status = status;
        CHECK_FALSE(frame_response(response).has_body);
        CHECK(lines_of(response).empty());
        response.length = 0;
        CHECK(lines_of(response).empty());
    }
}
