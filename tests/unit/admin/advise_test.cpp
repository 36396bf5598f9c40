#include "admin/advise.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "cli/advise_command.hpp"
#include "observe/metrics.hpp"
#include "unit/route/table_kit.hpp"

using namespace larder;
using namespace larder::admin;
using namespace larder::route::kit;

namespace {

struct Scene {
    route::RouteTable routes = table_of(
        {read("GET /a/{id}", "a:{id}"), write("PUT /a/{id}", {"a:{id}"}), read("GET /b", "b")});
    observe::Metrics metrics{"0"};
    observe::WorkerMetrics& worker = metrics.add_worker();
    AdviceFacts facts{routes, {}, {}, {}, {}, {}};

    void hits(const char* path, int count) {
        observe::RequestRecord record;
        record.path = metrics.path(path);
        record.x_cache = cache::XCache::hit;
        record.status = 200;
        for (int i = 0; i < count; ++i) worker.record(record);
    }
    std::vector<std::string> kinds() {
        facts.snapshot = metrics.snapshot();
        std::vector<std::string> out;
        for (const Advice& advice : advise(facts)) out.push_back(advice.kind + ' ' + advice.route);
        return out;
    }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("nothing is advised without figures") {
    Scene scene;
    CHECK(scene.kinds().empty());
    CHECK(cli::render_advice(R"({"advice":[]})").find("Nothing to advise") == 0);
}

TEST_CASE("a path that is asked often and not cached") {
    Scene scene;
    scene.facts.uncached = {{"/orders/{id}", "", 400, 0}, {"/rare", "", 3, 0}};
    scene.facts.uncached_time = {{"/orders/{id}", "", 8'000'000'000, 0}};
    CHECK(scene.kinds() == Texts{"uncached-route /orders/{id}"});
    const Advice advice = advise(scene.facts).front();
    CHECK(advice.text.find("20.0 ms") != std::string::npos);
    CHECK(advice.figures.at("requests") == 400);
}

TEST_CASE("lifetimes are compared with how often bodies change") {
    Scene scene;
    scene.hits("/a/{id}", 1000);
    scene.hits("/b", 1000);
    scene.facts.findings["/a/{id}"] = {.stored = 100, .refetched_same = 99, .refetched_changed = 1};
    CHECK(scene.kinds() == Texts{"ttl-too-short /a/{id}"});
    scene.facts.findings["/a/{id}"] = {
        .stored = 100, .refetched_same = 20, .refetched_changed = 60};
    CHECK(scene.kinds() == Texts{"ttl-too-long /a/{id}"});
    scene.facts.findings.clear();
    scene.facts.findings["/b"] = {.stored = 100, .refetched_same = 80, .refetched_changed = 20};
    CHECK(scene.kinds() == Texts{"no-purging-write /b"});
}

TEST_CASE("hits that an audit found changed point to a writer past larder") {
    Scene scene;
    const auto audited = [&scene](observe::AuditResult result, int count) {
        for (int i = 0; i < count; ++i)
            scene.worker.record_audit(scene.metrics.path("/a/{id}"), result, 7);
    };
    audited(observe::AuditResult::same, 986);
    audited(observe::AuditResult::failed, 5);
    CHECK(scene.kinds().empty());
    audited(observe::AuditResult::different, 14);
    CHECK(scene.kinds() == Texts{"changed-past-larder /a/{id}"});
    const Advice advice = advise(scene.facts).front();
    CHECK(advice.text.find("Of 1000 hits of /a/{id}") == 0);
    CHECK(advice.text.find("14 had changed without a purge") != std::string::npos);
    CHECK(advice.figures.at("at_most_per_million").as_double() > 14'000);
}

TEST_CASE("parameters in vain, entries nobody hits, and tags nobody purges") {
    Scene scene;
    scene.hits("/b", 2);
    scene.facts.findings["/b"] = {
        .stored = 100, .with_tags = 90, .parameters = {{"ref", {9, 0}}, {"page", {9, 1}}}};
    CHECK(scene.kinds() == Texts{"useless-parameter /b", "unused-entries /b", "unused-tags /b"});
    auto purge = std::make_shared<observe::PurgeRecord>();
    purge->tags = {"t"};
    scene.facts.purges = {purge};
    CHECK(scene.kinds() == Texts{"useless-parameter /b", "unused-entries /b"});
}

TEST_CASE("advice fits into 80 columns") {
    Advice advice{"kind", "/a", "", {}};
    for (int i = 0; i < 60; ++i) advice.text += "word ";
    const std::string text = cli::render_advice(boost::json::serialize(to_json({advice})));
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        CHECK(end - at <= 80);
        at = end + 1;
    }
}
