#include "wire/http2/frame_scan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace larder::wire::http2 {
namespace {

using namespace std::string_literals;

std::vector<std::string> scan(std::string_view bytes, std::size_t piece_size) {
    FrameScan scan;
    std::vector<std::string> seen;
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, piece_size);
        scan.feed(piece, [&](const FrameHead& head) {
            seen.push_back(std::to_string(static_cast<int>(head.type)) + ":" +
                           std::to_string(head.length) + ":" + std::to_string(head.flags));
        });
        bytes.remove_prefix(piece.size());
    }
    return seen;
}

}  // namespace

TEST_CASE("frames are found however the bytes are cut") {
    const std::string bytes = std::string(FrameScan::preface) + "\0\0\0\x04\0\0\0\0\0"s +
                              "\0\0\x03\x01\x05\0\0\0\x01"s + "abc"s +
                              "\0\0\x02\x09\x04\0\0\0\x01"s + "\0\0"s;
    const std::vector<std::string> wanted{"4:0:0", "1:3:5", "9:2:4"};
    for (std::size_t piece_size = 1; piece_size <= bytes.size(); ++piece_size)
        CHECK(scan(bytes, piece_size) == wanted);
}

TEST_CASE("a scan knows whether a frame is complete") {
    FrameScan scan;
    const auto ignore = [](const FrameHead&) {};
    scan.feed(FrameScan::preface, ignore);
    CHECK(!scan.in_frame());
    scan.feed("\0\0"s, ignore);
    CHECK(scan.in_frame());
    scan.feed("\x01\x01\x05\0\0\0\x01"s, ignore);
    CHECK(scan.in_frame());
    scan.feed("x", ignore);
    CHECK(!scan.in_frame());
}

}  // namespace larder::wire::http2
