#include <algorithm>

#include "fuzz/fuzz.hpp"
#include "route/compiled_route.hpp"
#include "route/explain.hpp"
#include "route/key_shape.hpp"
#include "route/lint.hpp"
#include "route/offline_request.hpp"

namespace larder::fuzz {
namespace {

using route::HeaderList;
using route::OfflineRequest;
using route::PurgeSet;
using route::RouteTable;

/// An entry as it would be kept.
struct Entry {
    std::string key;
    route::KeyInfo key_info;
    std::vector<std::string> tags;

    [[nodiscard]] std::string_view bare() const {
        return std::string_view(key).substr(0, key_info.bare_size);
    }

    /// The key as the patterns were written for: neither shortened nor moved out of larder's own
    /// namespace.
    [[nodiscard]] std::string original(bool with_query) const {
        std::string whole = key_info.long_key.empty() ? key : key_info.long_key;
        if (!with_query)
            whole.resize(key_info.long_key.empty() ? key_info.bare_size : key_info.long_bare_size);
        if (whole.starts_with(route::moved_namespace))
            whole.replace(0, route::moved_letter.size(), "l");
        return whole;
    }
};

bool glob(std::string_view pattern, std::string_view text) {
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    std::size_t p = 0;
    std::size_t t = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool carries(const Entry& entry, std::string_view tag) {
    return std::find(entry.tags.begin(), entry.tags.end(), tag) != entry.tags.end();
}

// What a purge does to an entry: keys by name, patterns by the tags the entry carries.
bool purges(const PurgeSet& set, const Entry& entry) {
    for (const std::string& key : set.keys)
        if (key == entry.key || key == entry.bare()) return true;
    return std::any_of(set.patterns.begin(), set.patterns.end(),
                       [&](const std::string& pattern) { return carries(entry, pattern); });
}

void check_pattern(const std::string& pattern, const Entry& entry) {
    std::string_view plain(pattern);
    std::string original;
    if (plain.starts_with(route::moved_namespace)) {
        original = "l" + pattern.substr(route::moved_letter.size());
        plain = original;
    }
    if (glob(plain, entry.original(true)) || glob(plain, entry.original(false)))
        require(carries(entry, pattern), "an entry carries every purge pattern that covers it");
}

Entry entry_of(const route::Match& match, const http::RequestHead& request) {
    Entry entry;
    entry.key = "what was there before";
    entry.key_info = route::build_key(*match.route, match.captures, request, entry.key);
    route::collect_tags(*match.route, entry.key, entry.key_info, entry.tags);
    require(entry.key.size() <= route::key_bytes_max + 80, "a key is bounded");
    require(entry.key_info.bare_size <= entry.key.size(), "the bare key begins the key");
    for (const char c : entry.key)
        require(static_cast<unsigned char>(c) >= ' ' && c != 0x7f, "a key holds no control bytes");
    std::string again;
    route::build_key(*match.route, match.captures, request, again);
    require(again == entry.key, "a request has one key");
    return entry;
}

void add_route(std::string_view line, settings::Settings& settings) {
    settings::Route rule;
    rule.at = rule.match_at = rule.key_at = {static_cast<int>(settings.routes.size()) + 1, 1};
    const std::string_view kind = take_until(line, " ");
    rule.match = take_until(line, " -> ");
    rule.kind = kind == "read"    ? settings::RouteKind::read
                : kind == "write" ? settings::RouteKind::write
                                  : settings::RouteKind::pass;
    if (rule.kind == settings::RouteKind::read) rule.key = line;
    while (rule.kind == settings::RouteKind::write && !line.empty() && rule.purge.size() < 8) {
        rule.purge.emplace_back(take_until(line, " "));
        rule.purge_at.push_back(rule.at);
    }
    settings.routes.push_back(std::move(rule));
}

// An option of the route before it.
void add_option(std::string_view line, settings::Settings& settings) {
    if (settings.routes.empty()) return;
    settings::Route& rule = settings.routes.back();
    const std::string_view name = take_until(line, " ");
    if (name == "+host") rule.host = line;
    if (name == "+tag") rule.tags.emplace_back(line);
    if (name == "+ignore") rule.ignore_query.emplace_back(line);
    if (name == "+bypass") rule.query_bypass = true;
}

struct Scenario {
    settings::Settings settings;
    HeaderList headers;                      ///< of all requests
    std::vector<std::string_view> requests;  ///< "GET /a?b=c"
};

Scenario read_scenario(std::string_view input) {
    Scenario out;
    while (!input.empty() && out.settings.routes.size() < 12 && out.requests.size() < 12) {
        std::string_view line = take_until(input, "\n");
        if (line.starts_with("read ") || line.starts_with("write ") || line.starts_with("pass ")) {
            add_route(line, out.settings);
        } else if (line.starts_with('+')) {
            add_option(line, out.settings);
        } else if (line.starts_with('-') && out.headers.size() < 8) {
            line.remove_prefix(1);
            const std::string name(take_until(line, ": "));
            out.headers.emplace_back(name, line);
        } else {
            out.requests.push_back(line);
        }
    }
    return out;
}

}  // namespace

// Any routes, and any requests to them: no request forges a key, every entry is reached by the
// purges that cover it.
void routes(std::string_view input) {
    const Scenario scenario = read_scenario(input);
    settings::Problems problems;
    const RouteTable table = RouteTable::compile(scenario.settings, problems);
    if (settings::has_errors(problems)) return;
    route::lint(table, scenario.settings, problems);

    std::vector<Entry> entries;
    std::vector<PurgeSet> writes;
    for (std::string_view line : scenario.requests) {
        const std::string_view method = take_until(line, " ");
        const auto request = OfflineRequest::make(method, line, "api.test", scenario.headers);
        if (!request) continue;
        const http::RequestHead& head = request->head();
        const route::Match match = table.match(head.method, head.method_name, head.host, head.path);
        route::to_text(route::explain(table, head));
        PurgeSet own;
        table.collect_url_purges(head, head.target, own);
        if (match.route != nullptr && match.route->rule.kind == settings::RouteKind::read) {
            entries.push_back(entry_of(match, head));
            if (head.method == http::Method::get)
                require(purges(own, entries.back()), "the purge of a URL reaches its own entry");
        } else if (!http::is_safe(head.method)) {
            table.collect_write_purges(match, head, nullptr, writes.emplace_back());
        }
    }
    for (const PurgeSet& write : writes)
        for (const std::string& pattern : write.patterns)
            for (const Entry& entry : entries) check_pattern(pattern, entry);
}

}  // namespace larder::fuzz
