// The configurations that come with larder, as files of the source tree.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "settings/check_settings.hpp"
#include "settings/effective_config.hpp"
#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

std::string config_file(const std::string& name) {
    auto folder = std::filesystem::path(__FILE__).parent_path();
    while (folder.has_relative_path() && !std::filesystem::exists(folder / "config" / name))
        folder = folder.parent_path();
    return (folder / "config" / name).string();
}

std::string text_of(const std::string& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

/// The reference with every "#key:" put to use, and `redis: off`, which stands for one of them,
/// taken out.
std::string with_all_settings(const std::string& reference) {
    std::istringstream lines(reference);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t mark = line.find_first_not_of(' ');
        const bool setting = mark != std::string::npos && mark + 1 < line.size() &&
                             line[mark] == '#' && line[mark + 1] >= 'a' && line[mark + 1] <= 'z';
        if (setting) line.erase(mark, 1);
        if (line != "redis: off") out += line + '\n';
    }
    return out;
}

}  // namespace

TEST_CASE("the demo's configuration loads, with its environment") {
    const std::string file = config_file("articles.yaml");
    Problems problems;
    const Settings settings = load_settings(
        file, problems, environment_of({{"CACHE_TTL_USERS", "5m"}, {"ORIGIN_URL", "http://o:9"}}));
    check_settings(settings, problems);
    CHECK(problems.empty());
    CHECK(settings.file == file);
    CHECK(to_text(settings.listen.at(0).address) == "127.0.0.1:8080");
    CHECK(settings.origin.servers.at(0).text() == "http://o:9");
    REQUIRE(settings.redis.has_value());
    CHECK(settings.redis->url.masked() == "redis://127.0.0.1:6379/0");
    CHECK(settings.redis->max_connections == 10);
    REQUIRE(settings.routes.size() == 6);
    CHECK(settings.routes[0].key == "articles:list:{skip=0}:{limit=20}");
    CHECK(settings.routes[0].ttl == 60s);
    CHECK(settings.routes[1].ttl == 300s);
    CHECK(settings.routes[2].ttl == 300s);
    CHECK(settings.routes[3].ttl == 300s);
    CHECK(settings.routes[4].purge == std::vector<std::string>{"articles:list:*"});
    CHECK(settings.routes[5].match == "PUT,PATCH,DELETE /articles/{id}");
    CHECK(settings.routes[5].purge == std::vector<std::string>{"articles:{id}", "articles:list:*"});
}

TEST_CASE("the reference says what the defaults are") {
    Loaded reference = load(text_of(config_file("larder.yaml")));
    check_settings(reference.settings, reference.problems);
    CHECK(reference.text() == "");
    REQUIRE(reference.settings.routes.size() == 6);

    const Route& all_options = reference.settings.routes[1];
    CHECK(all_options.memory == Route{}.memory);
    CHECK(all_options.wait == Route{}.wait);

    Settings expected;
    expected.origin.servers = {{false, {"127.0.0.1", 8000}}};
    reference.settings.routes.clear();
    reference.settings.examples.clear();
    CHECK(effective_config(reference.settings) == effective_config(expected));
}

TEST_CASE("what the reference shows in comments is right, and defaults there are the defaults") {
    const Loaded loaded = load(with_all_settings(text_of(config_file("larder.yaml"))),
                               {{"LARDER_ADMIN_TOKEN", "t"}, {"LARDER_DEBUG_TOKEN", "d"}});
    CHECK(loaded.text() == "");
    const Settings& settings = loaded.settings;
    CHECK(settings.admin.token == "t");
    CHECK(settings.origin.health.interval == OriginHealth{}.interval);
    CHECK(settings.origin.health.timeout == OriginHealth{}.timeout);
    CHECK(settings.origin.health.healthy == OriginHealth{}.healthy);
    CHECK(settings.origin.health.unhealthy == OriginHealth{}.unhealthy);
    CHECK(settings.origin.ejection.failures == Ejection{}.failures);
    CHECK(settings.origin.ejection.duration == Ejection{}.duration);
    REQUIRE(settings.redis.has_value());
    Redis expected;
    std::string fault;
    expected.url = *parse_redis_url("redis://127.0.0.1:6379/0", fault);
    expected.tls = settings.redis->tls;
    expected.purge_stream = "larder:purges";  // an example; there is no default
    Settings with_redis, with_default_redis;
    with_redis.redis = settings.redis;
    with_default_redis.redis = expected;
    CHECK(effective_config(with_redis) == effective_config(with_default_redis));
    CHECK(settings.redis->tls.verify);
}

TEST_CASE("the reference shows every key") {
    const Loaded loaded = load(with_all_settings(text_of(config_file("larder.yaml"))),
                               {{"LARDER_ADMIN_TOKEN", "t"}, {"LARDER_DEBUG_TOKEN", "d"}});
    for (const std::string path : {"listen",
                                   "listen[0].address",
                                   "listen[0].proxy_protocol",
                                   "listen[0].http2",
                                   "listen[0].tls",
                                   "listen[0].tls.certificate",
                                   "listen[0].tls.key",
                                   "listen[0].tls.client_ca",
                                   "admin",
                                   "admin.address",
                                   "admin.token",
                                   "origin",
                                   "origin.servers",
                                   "origin.balance",
                                   "origin.max_connections",
                                   "origin.connect_timeout",
                                   "origin.response_timeout",
                                   "origin.idle_timeout",
                                   "origin.resolve",
                                   "origin.host",
                                   "origin.health.path",
                                   "origin.health.interval",
                                   "origin.health.timeout",
                                   "origin.health.healthy",
                                   "origin.health.unhealthy",
                                   "origin.tls.ca",
                                   "origin.tls.verify",
                                   "origin.tls.server_name",
                                   "origin.tls.certificate",
                                   "origin.tls.key",
                                   "origin.ejection.failures",
                                   "origin.ejection.duration",
                                   "origins",
                                   "origins.users",
                                   "origins.search.response_timeout",
                                   "redis",
                                   "redis.url",
                                   "redis.max_connections",
                                   "redis.connect_timeout",
                                   "redis.timeout",
                                   "redis.prefix",
                                   "redis.tls.ca",
                                   "redis.tls.certificate",
                                   "redis.tls.key",
                                   "redis.tls.verify",
                                   "redis.on_purge_failure",
                                   "redis.compress",
                                   "redis.compress_above",
                                   "memory",
                                   "threads",
                                   "limits.header_bytes",
                                   "limits.header_count",
                                   "limits.uri_bytes",
                                   "limits.body_bytes",
                                   "limits.connections",
                                   "limits.connections_per_client",
                                   "limits.header_timeout",
                                   "limits.body_timeout",
                                   "limits.keepalive_timeout",
                                   "limits.max_object",
                                   "limits.drain_timeout",
                                   "limits.http2_streams",
                                   "limits.key_body",
                                   "compress",
                                   "trusted_proxies",
                                   "purge_from",
                                   "log.level",
                                   "log.format",
                                   "log.access",
                                   "state",
                                   "headers.x_cache",
                                   "headers.cache_status",
                                   "headers.cache_key",
                                   "headers.via",
                                   "routes",
                                   "routes[1].match",
                                   "routes[1].key",
                                   "routes[1].host",
                                   "routes[1].name",
                                   "routes[1].ttl",
                                   "routes[1].heuristic",
                                   "routes[1].origin",
                                   "routes[1].origin_path",
                                   "routes[1].refresh_ahead",
                                   "routes[1].jitter",
                                   "routes[1].client_cache_control",
                                   "routes[1].etag",
                                   "routes[1].compress",
                                   "routes[1].audit",
                                   "routes[1].mode",
                                   "routes[1].stale_while_revalidate",
                                   "routes[1].stale_if_error",
                                   "routes[1].status_ttl",
                                   "routes[1].tags",
                                   "routes[1].ignore",
                                   "routes[1].strip",
                                   "routes[1].ignore_query",
                                   "routes[1].query",
                                   "routes[1].max_object",
                                   "routes[1].memory",
                                   "routes[1].client_no_cache",
                                   "routes[1].wait",
                                   "routes[2].purge",
                                   "routes[3].settle",
                                   "routes[4].key",
                                   "routes[5].cache",
                                   "examples",
                                   "examples[0].request",
                                   "examples[0].key",
                                   "examples[0].ttl",
                                   "examples[1].headers",
                                   "examples[2].purges",
                                   "examples[3].cache"}) {
        CAPTURE(path);
        CHECK(loaded.settings.positions.contains(path));
    }
}
