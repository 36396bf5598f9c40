#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <sstream>
#include <thread>

#include "admin/server.hpp"
#include "admin/stats_json.hpp"
#include "base/json_text.hpp"
#include "cli/admin_client.hpp"
#include "cli/purge_command.hpp"
#include "cli/stats_command.hpp"
#include "cli/tail_command.hpp"
#include "cli/top_command.hpp"
#include "observe/metrics.hpp"

using namespace larder;
using namespace larder::cli;
using admin::PurgeOrder;
using admin::PurgeResult;

namespace {

class FakeBackend : public admin::AdminBackend {
public:
    observe::Metrics metrics{"9.9"};
    observe::RequestEvents events;
    PurgeResult::Outcome outcome = PurgeResult::Outcome::done;
    PurgeOrder last_order;

    bool is_ready = true;

    bool ready() override { return is_ready; }
    std::string metrics_text() override { return {}; }
    std::string stats_json() override { return json_text(admin::to_stats(metrics.snapshot())); }
    std::string config_text() override { return {}; }
    void explain(admin::ExplainQuestion, std::function<void(admin::JsonAnswer)> done) override {
        done({});
    }
    void purge(PurgeOrder order, admin::PurgeAsker,
               std::function<void(PurgeResult)> done) override {
        last_order = order;
        done({outcome, order, order, 3, "Redis cannot be asked"});
    }
    void count_entries(PurgeOrder, std::function<void(admin::JsonAnswer)> done) override {
        done({});
    }
    void list_entries(admin::EntriesQuestion,
                      std::function<void(admin::JsonAnswer)> done) override {
        done({});
    }
    void show_entry(admin::EntryQuestion, std::function<void(admin::JsonAnswer)> done) override {
        done({});
    }
    std::string advice_json() override { return R"({"advice":[]})"; }
    std::string purges_json() override { return {}; }
    std::vector<observe::RankedKey> top(observe::RankBy, std::size_t) override {
        return {{"articles:42", "/articles/{id}", 12, 1}};
    }
    std::shared_ptr<observe::EventListener> listen(observe::EventFilter filter,
                                                   std::function<void()> wake) override {
        return events.listen(std::move(filter), std::move(wake));
    }
    void reload(std::function<void(admin::JsonAnswer)> done) override { done({}); }
};

struct Fixture {
    FakeBackend backend;
    admin::AdminServer server{options(), backend};
    std::ostringstream out, errors;

    static admin::AdminOptions options() {
        admin::AdminOptions result;
        result.address = {"127.0.0.1", 0};
        result.access.token = "secret";
        return result;
    }
    AdminTarget target(std::string token = "secret") const {
        return {"http://127.0.0.1:" + std::to_string(server.port()), std::move(token)};
    }
};

}  // namespace

TEST_CASE("an admin URL is host and port, scheme and port optional") {
    const auto parsed = [](const std::string& url) {
        const HostPort address = parse_admin_url(url);
        return address.host + " " + std::to_string(address.port);
    };
    CHECK(parsed("http://127.0.0.1:9180") == "127.0.0.1 9180");
    CHECK(parsed("HTTP://host/") == "host 9180");
    CHECK(parsed("host:1") == "host 1");
    CHECK(parsed("https://host:443") == "host 443");
    CHECK(parsed("http://[::1]:99") == "::1 99");
    CHECK(parsed("[::1]") == "::1 9180");
    for (const char* url : {"", "http://", "https://", "h:0", "h:65536", "h:x", ":1", "h/path",
                            "user@h", "ftp://h"}) {
        CAPTURE(url);
        CHECK_THROWS_AS((void)parse_admin_url(url), std::runtime_error);
    }
}

TEST_CASE("purge sorts what it is given into keys and patterns, or takes all for tags") {
    CHECK(make_purge_body({{}, false, false, {"a", "b:*", "c"}}) ==
          R"({"keys":["a","c"],"patterns":["b:*"],"tags":[],"urls":[],"soft":false})");
    CHECK(make_purge_body({{}, true, true, {"a", "b"}}) ==
          R"({"keys":[],"patterns":[],"tags":["a","b"],"urls":[],"soft":true})");
    CHECK(make_purge_body({{}, false, false, {"/a*"}, true}) ==
          R"({"keys":[],"patterns":[],"tags":[],"urls":["/a*"],"soft":false})");
    CHECK(make_purge_body({{}, false, false, {"a"}, false, true}) ==
          R"({"keys":["a"],"patterns":[],"tags":[],"urls":[],"soft":false,"dry_run":true})");
}

TEST_CASE("purge asks the running larder and says what became of it") {
    Fixture larder;
    CHECK(run_purge({larder.target(), false, false, {"a\x1b", "b:*"}}, larder.out, larder.errors) ==
          exit_fine);
    CHECK(larder.backend.last_order.keys == std::vector<std::string>{"a\x1b"});
    CHECK(larder.backend.last_order.patterns == std::vector<std::string>{"b:*"});
    CHECK(larder.backend.last_order.items() == 2);
    CHECK(larder.out.str() == "purged key a?\npurged pattern b:*\nentries: 3\n");
    CHECK(larder.errors.str().empty());

    larder.backend.outcome = PurgeResult::Outcome::journalled;
    CHECK(run_purge({larder.target(), true, true, {"t"}}, larder.out, larder.errors) == exit_fine);
    CHECK(larder.errors.str().find("before anything is served") != std::string::npos);
}

TEST_CASE("a refused or impossible purge ends with status 1 and the reason") {
    Fixture larder;
    larder.backend.outcome = PurgeResult::Outcome::failed;
    CHECK(run_purge({larder.target(), false, false, {"a"}}, larder.out, larder.errors) ==
          exit_wrong);
    CHECK(larder.errors.str() == "larder: the purge failed: Redis cannot be asked\n");
    larder.errors.str("");
    CHECK(run_purge({larder.target("wrong"), false, false, {"a"}}, larder.out, larder.errors) ==
          exit_wrong);
    CHECK(larder.errors.str().find("unauthorized") != std::string::npos);
    larder.errors.str("");
    const AdminTarget gone = larder.target();
    larder.server.stop();
    larder.errors.str("");
    CHECK(run_purge({gone, false, false, {"a"}}, larder.out, larder.errors) == exit_wrong);
    CHECK(larder.errors.str().find("name its admin address with --admin") != std::string::npos);
    larder.errors.str("");
    CHECK(run_tail({gone, {}, false}, {}, larder.out, larder.errors) == exit_wrong);
    CHECK(larder.errors.str().find("name its admin address with --admin") != std::string::npos);
    CHECK(run_purge({{"nonsense url", ""}, false, false, {"a"}}, larder.out, larder.errors) ==
          exit_wrong);
    CHECK(larder.out.str().empty());
}

TEST_CASE("stats --ready says by its exit status whether larder serves, and needs no token") {
    Fixture larder;
    CHECK(run_stats({larder.target(""), false, true}, {}, larder.out, larder.errors) == exit_fine);
    CHECK(larder.out.str().empty());
    larder.backend.is_ready = false;
    CHECK(run_stats({larder.target(), false, true}, {}, larder.out, larder.errors) == exit_wrong);
}

TEST_CASE("stats shows totals and routes, and rates between two readings") {
    Fixture larder;
    observe::WorkerMetrics& worker = larder.backend.metrics.add_worker();
    const observe::PathId path = larder.backend.metrics.path("/articles/{id}\x1b");
    const auto hit = [&] {
        worker.record({.path = path,
                       .method = http::Method::get,
                       .status = 200,
                       .x_cache = cache::XCache::hit,
                       .duration = std::chrono::microseconds(50)});
    };
    hit();
    worker.record(
        {.path = path, .method = http::Method::get, .status = 200, .x_cache = cache::XCache::miss});
    CHECK(run_stats({larder.target(), false}, {80}, larder.out, larder.errors) == exit_fine);
    const std::string screen = larder.out.str();
    CHECK(screen.find("larder 9.9, up for ") == 0);
    CHECK(screen.find("requests 2, hit rate 50.0 %") != std::string::npos);
    CHECK(screen.find("/articles/{id}?") != std::string::npos);
    CHECK(screen.find('\x1b') == std::string::npos);

    CHECK(screen.find("other") != std::string::npos);
    CHECK(screen.find(" 0        -         -         -      0.0\n") != std::string::npos);

    const std::string before = larder.backend.stats_json();
    for (int i = 0; i < 10; ++i) hit();
    const std::string watched = render_stats({larder.backend.stats_json(), before, 2.0});
    CHECK(watched.find("now 5.0 requests/s, hit rate 100.0 %") != std::string::npos);
}

TEST_CASE("stats show what takes ten microseconds, from numbers in either notation") {
    Fixture larder;
    observe::WorkerMetrics& worker = larder.backend.metrics.add_worker();
    for (int i = 0; i < 10; ++i)
        worker.record({.method = http::Method::get,
                       .status = 200,
                       .x_cache = cache::XCache::hit,
                       .duration = std::chrono::microseconds(10)});
    const std::string shown = render_stats({larder.backend.stats_json(), std::nullopt, 0});
    CHECK(shown.find("     0.010      0.010      0.010      0.010\n") != std::string::npos);
    const std::string other =
        boost::json::serialize(boost::json::parse(larder.backend.stats_json()));
    CHECK(other.find("E-") != std::string::npos);
    CHECK(render_stats({other, std::nullopt, 0}) == shown);
}

TEST_CASE("a path that is too long for the terminal is cut, and stays whole in a pipe") {
    Fixture larder;
    const std::string path = "/" + std::string(40, 'a') + "/{id}";
    larder.backend.metrics.add_worker().record({.path = larder.backend.metrics.path(path),
                                                .method = http::Method::get,
                                                .status = 200,
                                                .x_cache = cache::XCache::hit});
    const StatsReading reading{larder.backend.stats_json(), std::nullopt, 0};
    CHECK(render_stats(reading).find(path + " ") != std::string::npos);
    const std::string shown = render_stats(reading, {80});
    CHECK(shown.find(path.substr(0, 30) + "~ ") != std::string::npos);
    for (std::size_t at = shown.find("\npath") + 1, end = 0; at < shown.size(); at = end + 1) {
        end = std::min(shown.find('\n', at), shown.size());
        CHECK(end - at <= 80);
    }
}

TEST_CASE("an origin that nobody can reach is not said to be up") {
    Fixture larder;
    const auto shown = [&](bool reachable) {
        boost::json::value stats = boost::json::parse(larder.backend.stats_json());
        stats.at("origins") = {{{"server", "http://api"},
                                {"up", nullptr},
                                {"addresses", {{{"up", true}, {"reachable", reachable}}}}}};
        return render_stats({boost::json::serialize(stats), std::nullopt, 0});
    };
    boost::json::value gone = boost::json::parse(larder.backend.stats_json());
    gone.at("origins") = {{{"server", "http://before-the-reload"}, {"up", nullptr}}};
    CHECK(render_stats({boost::json::serialize(gone), std::nullopt, 0}).find("-reload up") !=
          std::string::npos);
    CHECK(shown(true).find("origin http://api up") != std::string::npos);
    CHECK(shown(false).find("origin http://api cannot be reached") != std::string::npos);
}

TEST_CASE("what troubles Redis is said with its remedy") {
    Fixture larder;
    boost::json::value stats = boost::json::parse(larder.backend.stats_json());
    CHECK(render_stats({boost::json::serialize(stats), std::nullopt, 0}).find("trouble") ==
          std::string::npos);
    stats.at("redis").at("troubles") = {{{"text", "NOPERM no EVAL for this user\x1b"},
                                         {"remedy", "ACL SETUSER larder +eval"},
                                         {"for_seconds", 42}}};
    CHECK(render_stats({boost::json::serialize(stats), std::nullopt, 0})
              .find("redis trouble for 42 s: NOPERM no EVAL for this user?; ACL SETUSER larder "
                    "+eval\n") != std::string::npos);
}

TEST_CASE("how long larder runs is told in units that people use") {
    Fixture larder;
    const auto shown = [&](int seconds) {
        boost::json::value stats = boost::json::parse(larder.backend.stats_json());
        stats.at("uptime_seconds") = seconds;
        const std::string text = render_stats({boost::json::serialize(stats), std::nullopt, 0});
        return text.substr(0, text.find(", 0 client"));
    };
    CHECK(shown(119) == "larder 9.9, up for 119 s");
    CHECK(shown(7199) == "larder 9.9, up for 119 min");
    CHECK(shown(93 * 60 * 60 / 2) == "larder 9.9, up for 46 h 30 min");
    CHECK(shown(50 * 60 * 60) == "larder 9.9, up for 2 d 2 h");
}

TEST_CASE("stats of something that is no larder ends with status 1") {
    Fixture larder;
    CHECK(run_stats({larder.target("wrong"), false}, {}, larder.out, larder.errors) == exit_wrong);
    CHECK(larder.errors.str() ==
          "larder: unauthorized: type `export LARDER_ADMIN_TOKEN=TOKEN` first, or give --token\n");
}

TEST_CASE("top shows what the running larder ranks") {
    Fixture larder;
    CHECK(run_top({larder.target(), "misses", false}, {}, larder.out, larder.errors) == exit_fine);
    CHECK(larder.out.str() ==
          "      misses      error  key\n          12          1  articles:42\n");
    CHECK(run_top({larder.target("wrong"), "hits", false}, {}, larder.out, larder.errors) ==
          exit_wrong);
    CHECK(larder.errors.str().find("unauthorized") != std::string::npos);
}

TEST_CASE("tail shows requests until its output ends, and says why it cannot") {
    Fixture larder;
    const auto event = std::make_shared<observe::RequestEvent>();
    event->client = "10.0.0.7";
    event->method = "GET";
    event->target = "/a";
    event->status = 200;
    event->x_cache = cache::XCache::hit;
    std::thread requests([&] {
        while (!larder.backend.events.has_listeners()) std::this_thread::yield();
        while (larder.backend.events.has_listeners()) {
            larder.backend.events.publish(event);
            std::this_thread::yield();
        }
    });
    /// Takes one line, as `head -1` does.
    struct OneLine : std::stringbuf {
        int sync() override { return str().find('\n') == std::string::npos ? 0 : -1; }
    } buffer;
    std::ostream one_line(&buffer);
    CHECK(run_tail({larder.target(), {"cache=HIT"}, false}, {}, one_line, larder.errors) ==
          exit_fine);
    requests.join();
    CHECK(buffer.str() == "1970-01-01T00:00:00.000Z 10.0.0.7 GET /a 200 HIT - 0.0ms -\n");
    CHECK(run_tail({larder.target(), {"cache=WARM"}, false}, {}, larder.out, larder.errors) ==
          exit_wrong);
    CHECK(larder.errors.str().find("cache=WARM is not understood") != std::string::npos);
    CHECK(run_tail({larder.target("wrong"), {}, false}, {}, larder.out, larder.errors) ==
          exit_wrong);
}
