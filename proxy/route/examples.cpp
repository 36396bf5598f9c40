#include "route/examples.hpp"

#include <algorithm>

#include "route/compiled_route.hpp"
#include "route/explain.hpp"
#include "route/offline_request.hpp"

namespace larder::route {
namespace {

using settings::RouteKind;
using Texts = std::vector<std::string>;

std::string list_text(Texts items) {
    std::sort(items.begin(), items.end());
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? ", \"" : "\"") + item + "\"";
    return out + "]";
}

Texts all_of(const PurgeSet& purges) {
    Texts out = purges.keys;
    out.insert(out.end(), purges.patterns.begin(), purges.patterns.end());
    return out;
}

bool holds(const Texts& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

class ExampleRun {
public:
    ExampleRun(const RouteTable& table, settings::Problems& problems)
        : table_(table), problems_(problems) {}

    void check(const settings::Example& example, std::size_t index) {
        example_ = &example;
        path_ = "examples[" + std::to_string(index) + "]";
        const std::size_t space = example.request.find(' ');
        const std::size_t target = example.request.find_first_not_of(' ', space);
        const bool whole = space != std::string::npos && target != std::string::npos;
        const std::string url = whole ? example.request.substr(target) : "";
        const auto request = OfflineRequest::make(example.request.substr(0, space), url,
                                                  "localhost", example.headers);
        if (!whole || !request)
            return fail("request", "expected \"METHOD TARGET\", such as \"GET /articles/42\"");
        const Explanation actual = explain(table_, request->head());
        if (example.cache_off && actual.readable && !actual.bypass && !actual.needless_encoding)
            fail("cache", "expected off, but it is cached as \"" + actual.key + "\" " +
                              ttl_text(actual) + "; " + actual.why);
        if (actual.needless_encoding && (example.key || example.ttl))
            return fail(
                example.key ? "key" : "ttl",
                "expected to be cached, but the name of a query parameter encodes a character that "
                "needs none, so it is passed through; " +
                    actual.why);
        if (actual.bypass && (example.key || example.ttl))
            return fail(example.key ? "key" : "ttl",
                        "expected to be cached, but it has a query parameter that the key does not "
                        "name, and the route says query: bypass; " +
                            actual.why);
        if (example.key) check_key(*example.key, actual);
        if (example.ttl) check_ttl(*example.ttl, actual);
        if (example.purges) check_purges(*example.purges, actual, request->head());
    }

private:
    void fail(const std::string& option, const std::string& message) {
        problems_.push_back({settings::Problem::Severity::error, example_->at, path_ + "." + option,
                             example_->request + ": " + message});
    }

    void check_key(const std::string& expected, const Explanation& actual) {
        if (!actual.readable)
            return fail("key", "expected \"" + expected + "\", but it has none" + instead(actual) +
                                   ": " + actual.why);
        if (actual.key != expected)
            fail("key", "expected \"" + expected + "\", but it is \"" + actual.key + "\" " +
                            ttl_text(actual) + "; " + actual.why);
    }

    void check_ttl(std::chrono::milliseconds expected, const Explanation& actual) {
        const std::string wanted = "expected " + lifetime_text(expected) + ", but ";
        if (!actual.readable)
            return fail("ttl", wanted + "it is not cached" + instead(actual) + ": " + actual.why);
        const auto ttl = actual.route->rule.ttl;
        if (ttl == expected) return;
        fail("ttl", wanted + "it is cached as \"" + actual.key + "\" " + ttl_text(actual) + "; " +
                        actual.why);
    }

    static std::string ttl_text(const Explanation& actual) {
        const auto ttl = actual.route->rule.ttl;
        return ttl ? "for " + lifetime_text(*ttl)
                   : "for as long as the origin's headers grant (the route has no ttl)";
    }

    static std::string instead(const Explanation& actual) {
        return actual.unsafe
                   ? ", since it is a write that purges " + list_text(all_of(actual.purges))
                   : "";
    }

    void check_purges(const Texts& expected, const Explanation& actual,
                      const http::RequestHead& request) {
        PurgeSet own;
        if (actual.unsafe) table_.collect_url_purges(request, request.target, own);
        const Texts implied = all_of(own);
        const Texts found = all_of(actual.purges);
        const bool all_found = std::all_of(expected.begin(), expected.end(),
                                           [&](const auto& item) { return holds(found, item); });
        const bool all_expected = std::all_of(found.begin(), found.end(), [&](const auto& item) {
            return holds(expected, item) || holds(implied, item);
        });
        if (!all_found || !all_expected)
            fail("purges", "expected " + list_text(expected) + ", but it purges " +
                               list_text(found) + "; " + actual.why);
    }

    const RouteTable& table_;
    settings::Problems& problems_;
    const settings::Example* example_ = nullptr;
    std::string path_;
};

}  // namespace

namespace {

// A malformed example says nothing about the routes.
bool has_error(const settings::Problems& problems, std::size_t index) {
    const std::string path = "examples[" + std::to_string(index) + "]";
    return std::any_of(problems.begin(), problems.end(), [&](const settings::Problem& problem) {
        return problem.severity == settings::Problem::Severity::error &&
               problem.path.starts_with(path);
    });
}

}  // namespace

void run_examples(const RouteTable& table, const settings::Settings& settings,
                  settings::Problems& problems) {
    ExampleRun run(table, problems);
    for (std::size_t i = 0; i < settings.examples.size(); ++i)
        if (!has_error(problems, i)) run.check(settings.examples[i], i);
}

}  // namespace larder::route
