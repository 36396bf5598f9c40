#include "route/route_table.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/sha256.hpp"
#include "http/write_methods.hpp"
#include "route/compiled_impl.hpp"
#include "route/path_spellings.hpp"
#include "route/purges.hpp"
#include "route/table_impl.hpp"

namespace larder::route {

CompiledRoute::CompiledRoute(settings::Route rule_in)
    : rule(std::move(rule_in)), impl(std::make_unique<Impl>()) {}
CompiledRoute::~CompiledRoute() = default;

RouteTable::RouteTable() : impl_(std::make_unique<Impl>()) {}
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

Match RouteTable::match(http::Method method, std::string_view method_name, std::string_view host,
                        std::string_view path) const {
    Match found;
    const std::uint32_t number = impl_->trie.find(method, method_name, host, path, found.captures);
    if (number != RouteTrie::none) found.route = impl_->routes[number].get();
    return found;
}

const std::vector<std::unique_ptr<CompiledRoute>>& RouteTable::routes() const {
    return impl_->routes;
}

std::vector<std::uint32_t> RouteTable::rules() const {
    std::vector<std::uint32_t> out;
    for (const auto& route : impl_->routes)
        if (route->rules != 0) out.push_back(route->rules);
    return out;
}

bool may_change(const Match& match, const http::RequestHead& request) {
    const bool reads = match.route && match.route->rule.kind == settings::RouteKind::read;
    if (!reads || http::is_safe(request.method)) return http::is_write(request);
    const std::vector<std::string> others = http::overriding_methods(request);
    return std::any_of(others.begin(), others.end(), [](const std::string& name) {
        return !http::is_safe(http::method_of(name));
    });
}

namespace {

// GET, HEAD, QUERY and POST of one URL may fall under different routes.
void collect_own(const RouteTable& table, const http::RequestHead& get, PurgeSet& out) {
    std::array<const CompiledRoute*, 4> seen{};
    std::size_t count = 0;
    for (const auto& [method, name] :
         {std::pair{http::Method::get, "GET"}, std::pair{http::Method::head, "HEAD"},
          std::pair{http::Method::query, "QUERY"}, std::pair{http::Method::post, "POST"}}) {
        const Match match = table.match(method, name, get.host, get.path);
        if (!match.route || match.route->rule.kind != settings::RouteKind::read ||
            std::find(seen.begin(), seen.end(), match.route) != seen.end())
            continue;
        seen[count++] = match.route;
        collect_own_entries(*match.route, match.captures, get, out);
    }
}

std::string with_query(const std::string& path, const http::RequestHead& request) {
    return request.has_query ? path + "?" + std::string(request.query) : path;
}

}  // namespace

void RouteTable::collect_url_purges(const http::RequestHead& from, std::string_view target,
                                    PurgeSet& out) const {
    const http::RequestHead get = get_of(from, target.substr(0, target.find('#')));
    collect_own(*this, get, out);
    for (const std::string& path : other_spellings(get.path)) {
        const std::string spelled = with_query(path, get);
        collect_own(*this, get_of(from, spelled), out);
    }
}

std::vector<std::string> RouteTable::client_targets(const Match& request,
                                                    std::string_view origin_target) const {
    std::vector<std::string> out;
    const std::size_t origin = request.route ? request.route->origin : 0;
    for (const auto& route : impl_->routes) {
        if (route->origin != origin || route->origin_path.empty()) continue;
        const Captures* known = route.get() == request.route ? &request.captures : nullptr;
        auto target = route->origin_path.client_target(origin_target, known);
        if (target && std::find(out.begin(), out.end(), *target) == out.end())
            out.push_back(std::move(*target));
    }
    return out;
}

void RouteTable::note_plain_path(const http::RequestHead& request, KeyInfo& key_info) const {
    if (!has_parameters(request.path)) return;
    const std::string target = with_query(without_parameters(request.path), request);
    http::RequestHead plain = request;
    split_target(target, plain);
    const bool by_body = http::may_ask_by_body(plain.method);
    const Match match = by_body
                            ? this->match(plain.method, plain.method_name, plain.host, plain.path)
                            : this->match(http::Method::get, "GET", plain.host, plain.path);
    if (!match.route || match.route->rule.kind != settings::RouteKind::read) return;
    std::string key;
    const KeyInfo known = build_key(*match.route, match.captures, plain, key);
    collect_tags(*match.route, key, known, key_info.more_tags);
    key_info.more_tags.push_back(extension_tag(std::string_view(key).substr(0, known.bare_size)));
    if (known.bare_size < key.size()) key_info.more_tags.push_back(extension_tag(key));
}

void RouteTable::collect_write_purges(const Match& write, const http::RequestHead& request,
                                      const JsonLookup* json, PurgeSet& out,
                                      Secrets secrets) const {
    if (changes_nothing(write, request)) return;
    if (write.route) collect_rule_purges(*write.route, write.captures, request, json, out, secrets);
    const std::vector<std::string> spellings = other_spellings(request.path);
    const auto add_spelled = [&](http::Method method, std::string_view name,
                                 const std::string& target) {
        http::RequestHead other = request;
        split_target(target, other);
        const Match match = this->match(method, name, other.host, other.path);
        if (match.route)
            collect_rule_purges(*match.route, match.captures, other, json, out, secrets);
    };
    for (const std::string& path : spellings)
        add_spelled(request.method, request.method_name, with_query(path, request));
    for (const std::string& name : http::overriding_methods(request)) {
        add_spelled(http::method_of(name), name, std::string(request.target));
        for (const std::string& path : spellings)
            add_spelled(http::method_of(name), name, with_query(path, request));
    }
    collect_url_purges(request, request.target, out);
}

bool RouteTable::changes_nothing(const Match& write, const http::RequestHead& request) const {
    const auto says_so = [](const CompiledRoute* route) {
        if (!route) return false;
        const bool purges_nothing =
            route->rule.kind == settings::RouteKind::write && route->rule.purge.empty();
        return purges_nothing || route->rule.kind == settings::RouteKind::read;
    };
    if (!http::is_safe(request.method) && !says_so(write.route)) return false;
    const std::vector<std::string> others = http::overriding_methods(request);
    return std::all_of(others.begin(), others.end(), [&](const std::string& name) {
        const http::Method method = http::method_of(name);
        return http::is_safe(method) ||
               says_so(match(method, name, request.host, request.path).route);
    });
}

bool RouteTable::is_tag_pattern(std::string_view pattern) const {
    const Shape given(pattern);
    if (!given.has_star()) return false;
    bool known = false;
    for (const auto& route : impl_->routes) {
        if (route->rule.kind != settings::RouteKind::read ||
            !route->impl->key_shape.meets_with_query(given))
            continue;
        const auto& tags = route->impl->tag_patterns;
        known = std::any_of(tags.begin(), tags.end(),
                            [&](const Shape* tag) { return tag->has_instance(pattern); });
        if (!known) return false;
    }
    return known;
}

namespace {

std::set<std::string_view> reaches(const RouteTable& table) {
    std::set<std::string_view> texts;
    for (const auto& route : table.routes())
        if (route->rule.kind == settings::RouteKind::read) texts.insert(route->impl->reach_text);
    return texts;
}

// With an appended query too.
std::string pattern_of_keys(const Shape& shape) {
    std::string pattern;
    for (const Piece& piece : shape.pieces()) {
        if (piece.kind == Piece::Kind::literal) {
            pattern += piece.text;
        } else if (!pattern.ends_with('*')) {
            pattern += '*';
        }
    }
    if (!pattern.ends_with('*')) pattern += '*';
    return pattern;
}

}  // namespace

void RouteTable::collect_renamed(const RouteTable* before,
                                 std::vector<std::string>& patterns) const {
    constexpr std::size_t patterns_max = 16;
    std::set<std::string> renamed;
    if (before) {
        const std::set<std::string_view> known = reaches(*before);
        for (const auto& route : impl_->routes)
            if (route->rule.kind == settings::RouteKind::read &&
                !known.contains(route->impl->reach_text))
                renamed.insert(pattern_of_keys(route->impl->key_shape));
    }
    if (!before || renamed.size() > patterns_max) renamed = {"*"};
    patterns.insert(patterns.end(), renamed.begin(), renamed.end());
}

std::string RouteTable::reach() const {
    std::string all;
    for (const std::string_view text : reaches(*this)) all.append(text).push_back('\n');
    std::string digest;
    append_sha256(digest, all);
    return digest;
}

}  // namespace larder::route
