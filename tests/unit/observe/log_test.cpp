#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/json.hpp>
#include <sstream>
#include <string>

#include "observe/access_log.hpp"
#include "observe/log_text.hpp"
#include "observe/logging.hpp"

using namespace larder;
using namespace larder::observe;
using namespace std::string_view_literals;
using settings::LogFormat;

namespace {

std::string quoted(std::string_view value) {
    std::string out;
    append_quoted(out, value);
    return out;
}

std::string json_of(std::string_view value) {
    std::string out;
    append_json_value(out, value);
    return out;
}

std::string logged(LogFormat format, const std::string& logger_name, std::string_view message) {
    std::ostringstream out;
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
    sink->set_formatter(make_formatter(format));
    spdlog::logger logger(logger_name, sink);
    logger.warn("{}", message);
    return out.str();
}

AccessEntry hostile_entry() {
    AccessEntry entry;
    entry.client = "192.0.2.1";
    entry.method = "GET\" status=200";
    entry.host = "a\nb";
    entry.target = "/x\" status=500 y=\"\\\x1b[2J\xff";
    entry.status = 200;
    entry.bytes = 1234;
    entry.duration = std::chrono::microseconds(12'045);
    entry.x_cache = cache::XCache::miss;
    entry.detail = cache::Detail::no_store;
    entry.key = "k:\"}\r\n{\"time\":1";
    return entry;
}

}  // namespace

TEST_CASE("a quoted value cannot end its quotes or its line") {
    CHECK(quoted("") == "-");
    CHECK(quoted("plain text") == "\"plain text\"");
    CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
    CHECK(quoted("a\r\n\t\0b\x7f"sv) == R"("a\x0d\x0a\x09\x00b\x7f")");
    CHECK(quoted("\x1b[31m\xc2\x9b") == R"("\x1b[31m\xc2\x9b")");
    CHECK(quoted(std::string(5000, 'a')).size() == logged_bytes_max + 5);
}

TEST_CASE("a JSON string is valid whatever the bytes") {
    struct Row {
        std::string_view in, out;
    };
    for (const auto& [in, out] :
         {Row{"", R"("")"}, Row{"a\"\\b", R"("a\"\\b")"},
          Row{"\n\0\x7f"sv, R"("\u000a\u0000\u007f")"},
          Row{"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
          Row{"\xc2\x9b", R"("\u009b")"}, Row{"\xe2\x80\xa8", R"("\u2028")"},
          Row{"\xff\xc0\xaf", R"("\ufffd\ufffd\ufffd")"},            // never valid, overlong
          Row{"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},            // a surrogate
          Row{"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},  // beyond U+10FFFF
          Row{"\xe2\x82", R"("\ufffd\ufffd")"}}) {                   // cut off
        CAPTURE(in);
        CHECK(json_of(in) == out);
        boost::json::error_code error;
        boost::json::parse(json_of(in), error);
        CHECK_FALSE(error);
    }
}

TEST_CASE("a text access line holds each field once, whatever strangers sent") {
    std::string line;
    append_access_fields(line, hostile_entry(), LogFormat::text);
    CHECK(
        line ==
        R"(client="192.0.2.1" method="GET\" status=200" host="a\x0ab" target="/x\" status=500 y=\"\\\x1b[2J\xff" )"
        R"(status=200 bytes=1234 duration_ms=12.045 x_cache=MISS detail=no-store route=- key="k:\"}\x0d\x0a{\"time\":1" )"
        R"(user_agent=-)");
}

TEST_CASE("a JSON access line is one valid object with the values as they were") {
    std::string fields;
    append_access_fields(fields, hostile_entry(), LogFormat::json);
    const std::string line = logged(LogFormat::json, access_logger_name, fields);
    CHECK(line.find('\n') == line.size() - 1);
    const boost::json::object object = boost::json::parse(line).as_object();
    CHECK(object.at("level") == "warning");
    CHECK(object.at("host") == "a\nb");
    CHECK(object.at("key") == "k:\"}\r\n{\"time\":1");
    CHECK(object.at("status") == 200);
    CHECK(object.at("duration_ms") == 12.045);
    CHECK(object.at("detail") == "no-store");
    CHECK(object.at("route") == "");
    CHECK_FALSE(object.contains("request_id"));
}

TEST_CASE("the program's own messages stay one line and one value in both formats") {
    const std::string text = logged(LogFormat::text, "larder", "bad\nline");
    CHECK(text.size() == "2026-01-31T12:00:00.123Z warning bad\\x0aline\n"sv.size());
    CHECK(text.ends_with("Z warning bad\\x0aline\n"));
    const boost::json::object object =
        boost::json::parse(logged(LogFormat::json, "larder", "bad\n\"line\"")).as_object();
    CHECK(object.at("message") == "bad\n\"line\"");
    CHECK(object.at("ts").as_string().size() == 24);
}

TEST_CASE("a target is logged with the names of its query parameters only, unless told otherwise") {
    const auto names = [](std::string_view target) {
        return shown_target(target, settings::LogQuery::names);
    };
    CHECK(names("/articles") == "/articles");
    CHECK(names("/articles?limit=5&skip=20") == "/articles?limit=&skip=");
    CHECK(names("/a?token=a=b&&x") == "/a?token=&=&=");
    CHECK(names("/a?") == "/a?");
    CHECK(names("/a?s3cret") == "/a?=");
    CHECK(names("/a?b=1?c=2") == "/a?b=");
    CHECK(shown_target("/a?b=1", settings::LogQuery::full) == "/a?b=1");
}

TEST_CASE("ids of the trace stand in the line where the request belongs to one") {
    AccessEntry entry;
    entry.request_id = "r-1";
    entry.trace = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    std::string fields;
    append_access_fields(fields, entry, LogFormat::json);
    const boost::json::object object = boost::json::parse("{" + fields + "}").as_object();
    CHECK(object.at("request_id") == "r-1");
    CHECK(object.at("trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(object.at("span_id") == "00f067aa0ba902b7");
}

TEST_CASE("a traceparent that is not valid names no trace") {
    const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    CHECK(parse_traceparent(good).trace_id.size() == 32);
    CHECK(parse_traceparent("cc" + good.substr(2) + "-what-comes-later").span_id.size() == 16);
    for (const std::string& bad :
         {std::string(), good.substr(0, 54), good + "-x", "ff" + good.substr(2),
          std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
          std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
          std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
          std::string("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01")}) {
        CAPTURE(bad);
        CHECK(parse_traceparent(bad).trace_id.empty());
    }
}

TEST_CASE("access: off, on and errors choose what is logged") {
    const auto logs = [](settings::AccessLog access, int status) {
        settings::Log log;
        log.access = access;
        return AccessLog(log).logs(status);
    };
    CHECK_FALSE(logs(settings::AccessLog::off, 500));
    CHECK(logs(settings::AccessLog::on, 200));
    CHECK_FALSE(logs(settings::AccessLog::errors, 304));
    CHECK(logs(settings::AccessLog::errors, 404));
    CHECK(logs(settings::AccessLog::errors, 503));
}
