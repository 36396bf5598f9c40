#include "cli/tail_command.hpp"

#include <doctest/doctest.h>

#include "cli/event_reader.hpp"
#include "cli/top_command.hpp"

using namespace larder::cli;

namespace {

const char* const event =
    R"({"time":"2026-11-28T19:00:00.123Z","client":"2001:db8::1234:5678:9abc","method":"GET",)"
    R"("target":"/articles/a-rather-long-name-of-an-article?limit=&skip=&order=","status":200,)"
    R"("cache":"MISS","detail":"no-lifetime","route":"/articles/{id}","milliseconds":181.2,)"
    R"("origin_milliseconds":180.1,"request_id":"r"})";

std::string without_colours(std::string line) {
    for (std::size_t at; (at = line.find('\x1b')) != std::string::npos;)
        line.erase(at, line.find('m', at) - at + 1);
    return line;
}

}  // namespace

TEST_CASE("in a pipe, an event is a line of words without colours") {
    CHECK(render_event(event, {0}) ==
          "2026-11-28T19:00:00.123Z 2001:db8::1234:5678:9abc GET "
          "/articles/a-rather-long-name-of-an-article?limit=&skip=&order= 200 MISS no-lifetime "
          "181.2ms 180.1ms");
}

TEST_CASE("on a terminal, a line fits into the columns that there are") {
    for (const std::size_t width : {40u, 80u, 120u, 200u}) {
        const std::string line = render_event(event, {width});
        CAPTURE(line);
        CHECK(line.starts_with("\x1b["));
        CHECK(line.ends_with("\x1b[0m"));
        CHECK(without_colours(line).size() <= width);
    }
    const std::string line = without_colours(render_event(event, {80}));
    for (const char* part : {"19:00:00", "GET", "200 MISS no-lifetime", "181ms", "180ms"})
        CHECK(line.find(part) != std::string::npos);
}

TEST_CASE("the heading of a terminal stands above the columns") {
    const char* const short_event =
        R"({"time":"2026-11-28T19:00:00.123Z","client":"10.0.0.77","method":"GET","target":"/",)"
        R"("status":200,"cache":"HIT","detail":"","milliseconds":0.1,"origin_milliseconds":0})";
    for (const std::size_t width : {80u, 120u}) {
        const std::string heading = tail_heading({width});
        const std::string line = without_colours(render_event(short_event, {width}));
        CAPTURE(heading);
        CAPTURE(line);
        CHECK(heading.size() == line.size());
        CHECK(heading.find("path") == line.find('/'));
        CHECK(heading.find("status") + 3 == line.find("200"));
        CHECK(heading.find("cache") == line.find("HIT"));
        CHECK(heading.ends_with("origin"));
    }
    CHECK(tail_heading({30}).size() == 30);
}

TEST_CASE("in 80 columns a path stays readable beside a long reason") {
    const char* const passed =
        R"({"time":"2026-11-28T19:00:00.123Z","client":"127.0.0.1","method":"GET",)"
        R"("target":"/articles/42","status":200,"cache":"BYPASS","detail":"authorization",)"
        R"("milliseconds":160.4,"origin_milliseconds":159.8})";
    const std::string line = without_colours(render_event(passed, {80}));
    CAPTURE(line);
    CHECK(line.find(" /articles/42 ") != std::string::npos);
}

TEST_CASE("events are taken whole, however they arrive") {
    std::string seen, text;
    const auto take = [&seen](std::string_view name, std::string_view data) {
        seen.append(name).append("=").append(data).append(";");
        return data != "stop";
    };
    const std::string stream =
        ": listening\n\nevent: request\ndata: {1}\n\n:\n\nevent: lost\ndata: {2}\n\n";
    for (const char c : stream) {
        text += c;
        CHECK(take_events(text, take));
    }
    CHECK(seen == "request={1};lost={2};");
    CHECK(text.empty());
    text = "data: stop\n\ndata: more\n\n";
    CHECK_FALSE(take_events(text, take));
}

TEST_CASE("top is a table that fits") {
    const char* const answer =
        R"({"by":"hits","keys":[{"key":"articles:42","route":"/articles/{id}","value":12,"error":1},)"
        R"({"key":"a\u001b[2J)"
        R"(bc","route":"/","value":3,"error":0}]})";
    CHECK(render_top(answer, {0}) ==
          "        hits      error  key\n          12          1  articles:42\n"
          "           3          0  a?[2Jbc\n");
    CHECK(render_top(answer, {30}).find("articles:42") == std::string::npos);
    CHECK(render_top(R"({"by":"origin-time","keys":[]})", {80}).find("nothing") !=
          std::string::npos);
}
