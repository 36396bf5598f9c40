#include "settings/changes.hpp"

#include <doctest/doctest.h>

#include "settings/load_settings.hpp"

using namespace larder::settings;

namespace {

using Lines = std::vector<std::string>;

Settings load(const std::string& text) {
    Problems problems;
    const auto nothing = [](const std::string&) -> std::optional<std::string> { return {}; };
    Settings settings = load_settings_text(text, "larder.yaml", problems, nothing);
    if (has_errors(problems)) FAIL(to_text(problems.front(), "larder.yaml"));
    return settings;
}

Lines between(const std::string& before, const std::string& after) {
    const std::string origin = "origin: http://127.0.0.1:1\n";
    return changes(load(origin + before), load(origin + after));
}

}  // namespace

TEST_CASE("each changed setting is a line with both values") {
    CHECK(between("", "").empty());
    CHECK(between("limits: {max_object: 4MB}", "limits: {max_object: 8MB}") ==
          Lines{"limits.max_object: 8MB, was 4MB"});
    CHECK(between("log: {level: info}", "log: {level: debug, format: json}") ==
          Lines{"log.level: debug, was info", "log.format: json, was text"});
    CHECK(between("memory: 64MB", "memory: off") == Lines{"memory: off, was 64MB"});
    CHECK(between("trusted_proxies: [10.0.0.0/8]", "") ==
          Lines{"trusted_proxies: [], was [\"10.0.0.0/8\"]"});
}

TEST_CASE("routes are told apart by their match") {
    const std::string a = "- {match: GET /a, key: a, ttl: 60}\n";
    const std::string longer = "- {match: GET /a, key: a, ttl: 90}\n";
    const std::string b = "- {match: GET /b, key: b}\n";
    CHECK(between("routes:\n" + a, "routes:\n" + b + a) == Lines{"routes \"GET /b\": new"});
    CHECK(between("routes:\n" + a + b, "routes:\n" + longer) ==
          Lines{"routes \"GET /a\".ttl: 90s, was 1m", "routes \"GET /b\": gone"});
    CHECK(between("routes:\n" + a + b, "routes:\n" + b + a) == Lines{"routes: in another order"});
    CHECK(between("routes:\n- {match: GET /a, key: a}", "routes:\n" + a) ==
          Lines{"routes \"GET /a\".ttl: 1m, was not set"});
}

TEST_CASE("secrets are not shown, but that they changed is") {
    const Lines found = between(
        "admin: {address: 127.0.0.1:1, token: s3cret-a, tokens: [{name: x, token: s3cret-b, may: "
        "[read]}]}\nredis: redis://:s3cret-c@127.0.0.1:6379/0\ndebug_token: s3cret-d",
        "admin: {address: 127.0.0.1:1, token: s3cret-e, tokens: [{name: x, token: s3cret-f, may: "
        "[read]}]}\nredis: redis://:s3cret-g@127.0.0.1:6379/0\ndebug_token: s3cret-h");
    CHECK(found == Lines{"admin.token: changed", "admin.tokens \"x\".token: changed",
                         "debug_token: changed", "redis.url: changed"});
    const auto sentinels = [](const std::string& more) {
        return "redis: {url: 'redis-sentinel://h/m'" + more + "}";
    };
    CHECK(between(sentinels(", sentinel_password: a"), sentinels(", sentinel_password: b")) ==
          Lines{"redis.sentinel_password: changed"});
    CHECK(between(sentinels(""), sentinels(", sentinel_password: b")).size() == 1);
    CHECK(between(sentinels(""), sentinels(", purge_stream: p")) ==
          Lines{"redis.purge_stream: p, was not set"});
}
