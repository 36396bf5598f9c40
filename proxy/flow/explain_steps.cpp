#include "flow/explain_steps.hpp"

#include "cache/outcome_text.hpp"
#include "cache/request_bypass.hpp"
#include "flow/read_plan.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {
namespace {

using Steps = std::vector<std::string>;

std::string list_text(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out.append(out.empty() ? "" : ", ").append(item);
    return out;
}

std::string route_step(const route::Explanation& explanation) {
    if (!explanation.route)
        return "No route takes " + explanation.request +
               ", so the request goes straight to the origin.";
    const settings::Route& rule = explanation.route->rule;
    std::string out =
        "The first route that takes the method, the host and the path is \"" + rule.match + "\"";
    if (rule.match_at.line > 0) out += " in line " + std::to_string(rule.match_at.line);
    return out + ".";
}

std::string stores_text(const settings::Settings& settings) {
    if (settings.memory_bytes > 0 && settings.redis) return "in memory, then in Redis";
    if (settings.redis) return "in Redis";
    return settings.memory_bytes > 0 ? "in memory" : "nowhere, since memory and redis are off";
}

std::string origin_text(const settings::Settings& settings) {
    return settings.origin.servers.empty() ? "the origin"
                                           : "the origin " + settings.origin.servers.front().text();
}

// Why the cache has no part in this read; empty: it has.
std::string bypass_of(const route::Explanation& explanation, const http::RequestHead& request) {
    const cache::Detail bypass = cache::request_bypass(request, explanation.route->key_headers);
    if (bypass != cache::Detail::none) return std::string(cache::sentence_of(bypass));
    if (explanation.bypass) return std::string(cache::sentence_of(cache::Detail::query));
    if (explanation.needless_encoding)
        return "the name of a query parameter encodes a character that needs none, which APIs read "
               "in different ways";
    return {};
}

void add_read(const route::Explanation& explanation, const http::RequestHead& request,
              const settings::Settings& settings, Steps& steps) {
    const std::string bypass = bypass_of(explanation, request);
    if (!bypass.empty()) {
        steps.push_back("The cache has no part in it: " + bypass +
                        ". The request goes straight to the origin, and nothing is stored.");
        return;
    }
    const settings::Route& rule = explanation.route->rule;
    const std::string credentials = credentials_text(request, *explanation.route);
    steps.push_back(credentials.empty() ? "Nothing in the request keeps it out of the cache."
                                        : "Its answer comes " + credentials + ".");
    steps.push_back("Its key is \"" + explanation.key +
                    "\". Entries of other schemes and hosts are kept apart.");
    if (rule.shadow) {
        steps.emplace_back(
            "The route is in shadow mode: the origin answers, and larder only counts "
            "what it would have served.");
    } else {
        steps.push_back("larder looks " + stores_text(settings) +
                        ". A fresh entry answers at once (HIT).");
    }
    steps.push_back("Else one request asks " + origin_text(settings) +
                    "; others for the same key wait for its answer, up to " +
                    route::lifetime_text(rule.wait) + ".");
    steps.push_back(
        "The answer is stored unless it says private or no-store, sets a cookie, varies "
        "on everything or is too large. How long, by the first that applies: " +
        list_text(explanation.lifetime) + ".");
    std::vector<std::string> tags = explanation.tags;
    tags.insert(tags.end(), explanation.response_tags.begin(), explanation.response_tags.end());
    tags.push_back("its URL");
    steps.push_back("A purge by one of these takes it out: \"" + explanation.key + "\", " +
                    list_text(tags) + ", or a tag that the response names.");
}

void add_write(const route::Explanation& explanation, const settings::Settings& settings,
               Steps& steps) {
    steps.push_back("The method may change something, so the request goes to " +
                    origin_text(settings) + ", whatever is stored.");
    std::vector<std::string> purges = explanation.purges.keys;
    purges.insert(purges.end(), explanation.purges.patterns.begin(),
                  explanation.purges.patterns.end());
    if (purges.empty()) {
        steps.emplace_back(
            "Its answer purges nothing, unless Location or Content-Location names "
            "another URL.");
        return;
    }
    steps.push_back(
        "When the origin has answered with 2xx or 3xx, or larder cannot know whether "
        "the write was done, larder purges " +
        list_text(purges) + ", and what Location and Content-Location name.");
    steps.emplace_back(
        "Only then does the client get the answer, so no later read sees what was "
        "there before.");
}

}  // namespace

std::vector<std::string> explain_steps(const route::Explanation& explanation,
                                       const http::RequestHead& request,
                                       const settings::Settings& settings) {
    Steps steps{route_step(explanation)};
    const bool has_body = request.framing != http::Framing::none;
    if (explanation.readable) {
        add_read(explanation, request, settings, steps);
    } else if (explanation.unsafe) {
        if (has_body) steps.emplace_back("Its body is passed on as it comes.");
        add_write(explanation, settings, steps);
    } else if (explanation.route) {
        steps.push_back("The route says `cache: off`, so the request goes straight to " +
                        origin_text(settings) + ".");
    }
    return steps;
}

}  // namespace larder::flow
