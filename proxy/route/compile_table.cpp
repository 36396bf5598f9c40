#include <algorithm>
#include <map>

#include "route/compiled_impl.hpp"
#include "route/percent.hpp"
#include "route/rules.hpp"
#include "route/table_impl.hpp"

namespace larder::route {
namespace {

using settings::RouteKind;

/// A part of CompiledRoute::sharing (see number_rules).
std::string sharing_of(const settings::Route& rule, const std::vector<std::string>& credentials) {
    std::string said;
    const auto add = [&said](bool holds, std::string_view name) {
        if (holds) said.append(name).push_back(' ');
    };
    add(rule.ignore.cache_control, "cache-control");
    add(rule.ignore.set_cookie, "set-cookie");
    add(rule.ignore.cookie, "cookie");
    add(rule.ignore.authorization, "authorization");
    add(rule.ignore.vary, "vary");
    for (const std::string& name : rule.ignore.credentials) add(true, name);
    static const std::vector<std::string> usual = settings::Settings{}.credentials;
    if (credentials != usual)
        for (const std::string& name : credentials) add(true, "credential:" + name);
    std::vector<std::string> stripped = rule.strip;
    std::sort(stripped.begin(), stripped.end());
    for (const std::string& name : stripped) said.append("-").append(name).push_back(' ');
    // A purge of a tag does not reach the entries that were stored before the route had the tag.
    for (const std::string& tag : rule.tags) said.append("#").append(tag).push_back(' ');
    // A response of one origin must not be served for another origin.
    if (!rule.origin.empty()) said.append("@").append(rule.origin).push_back(' ');
    // The stored head contains the Cache-Control for clients.
    if (!rule.client_cache_control.empty())
        said.append("cc=").append(rule.client_cache_control).push_back(' ');
    if (rule.etag) said.append("etag ");
    if (rule.compress && !rule.compress->empty()) {
        said.append("compress");
        for (const settings::Coding coding : *rule.compress)
            said.append(std::to_string(static_cast<int>(coding)));
        said.push_back(' ');
    }
    if (!rule.origin_path.empty()) said.append("@").append(rule.origin_path).push_back(' ');
    return said;
}

/// Compiles one route and appends its errors to the problems, under the route's path.
class RouteCompiler {
public:
    RouteCompiler(CompiledRoute& route, const settings::Settings& settings,
                  settings::Problems& problems)
        : route_(route), settings_(settings), problems_(problems) {}

    void compile() {
        if (route_.rule.match.empty() &&
            has_error_in("routes[" + std::to_string(route_.index) + "]"))
            return;
        impl().path.path_case = settings_.path_case;
        if (auto wrong = parse_path_rule(route_.rule.match, impl().path))
            return report("match", route_.rule.match_at, *wrong);
        route_.path_template = impl().path.path;
        if (impl().path.all_methods && route_.rule.kind != RouteKind::pass)
            return report("match", route_.rule.match_at,
                          "\"*\" stands for every method on a pass route (cache: off) only; name "
                          "the methods here, such as GET or PUT,PATCH,DELETE");
        compile_origin();
        if (!route_.rule.compress) route_.rule.compress = settings_.compress;
        if (route_.rule.kind == RouteKind::read) compile_read();
        route_.sharing = sharing_of(route_.rule, settings_.credentials);
        if (route_.rule.kind == RouteKind::write) compile_write();
    }

private:
    [[nodiscard]] CompiledRoute::Impl& impl() const { return *route_.impl; }

    void report(const std::string& option, settings::Position at, const std::string& message) {
        const std::string path = "routes[" + std::to_string(route_.index) + "]." + option;
        if (has_error_at(path)) return;
        if (at.line == 0) at = route_.rule.at;
        problems_.push_back({settings::Problem::Severity::error, at, path, message});
    }

    [[nodiscard]] bool has_error_in(const std::string& path) const {
        return std::any_of(problems_.begin(), problems_.end(),
                           [&](const settings::Problem& problem) {
                               return problem.severity == settings::Problem::Severity::error &&
                                      problem.path.starts_with(path);
                           });
    }

    // An option that could not be read is empty, and its error is in the problems already.
    [[nodiscard]] bool has_error_at(const std::string& path) const {
        return std::any_of(problems_.begin(), problems_.end(),
                           [&](const settings::Problem& problem) {
                               return problem.severity == settings::Problem::Severity::error &&
                                      problem.path == path;
                           });
    }

    void compile_origin() {
        if (!route_.rule.origin.empty()) {
            const auto found = settings_.origins.find(route_.rule.origin);
            if (found == settings_.origins.end()) return report_unknown_origin();
            route_.origin =
                1 + static_cast<std::size_t>(std::distance(settings_.origins.begin(), found));
        }
        if (route_.rule.origin_path.empty()) return;
        if (auto wrong =
                OriginPath::parse(route_.rule.origin_path, impl().path, route_.origin_path))
            report("origin_path", route_.rule.origin_path_at, *wrong);
    }

    void report_unknown_origin() {
        std::string names;
        for (const auto& [name, origin] : settings_.origins)
            names += (names.empty() ? "" : ", ") + name;
        report("origin", route_.rule.origin_at,
               "\"" + route_.rule.origin + "\" is no name among `origins`" +
                   (names.empty() ? ", which is empty; give it there, with its URL"
                                  : "; known are " + names));
    }

    void compile_read() {
        const auto readable = method_bit(http::Method::get) | method_bit(http::Method::head) |
                              method_bit(http::Method::query) | method_bit(http::Method::post);
        if ((impl().path.methods & ~readable) != 0 || !impl().path.other_names.empty())
            return report("match", route_.rule.match_at,
                          "only GET, HEAD, QUERY and POST can have a key; give other methods a "
                          "route of their own, with `purge` or `cache: off`");
        if (auto wrong = parse_template(route_.rule.key, TemplateUse::key, impl().path, impl().key))
            return report("key", route_.rule.key_at, *wrong);
        if (impl().path.asks_by_body() && !impl().key.has(Part::Kind::body))
            return report("key", route_.rule.key_at,
                          "must hold the body, which is what a QUERY or POST asks by: add "
                          "{body|sha256}, or {body|json|sha256} for JSON");
        impl().key_shape = Shape(impl().key);
        note_key_parts();
        for (const std::string& name : route_.rule.ignore_query) {
            const bool prefix = name.ends_with('*');
            impl().ignore_query.emplace_back(name.substr(0, name.size() - (prefix ? 1 : 0)),
                                             prefix);
        }
        compile_tags();
    }

    void note_key_parts() {
        const bool pins_host = !route_.rule.host.empty() && !route_.rule.host.starts_with('*');
        route_.key_has_host = pins_host || impl().key.has(Part::Kind::host);
        for (const Part& part : impl().key.parts) {
            if (part.kind == Part::Kind::header) route_.key_headers.push_back(part.text);
            if (part.kind == Part::Kind::cookie) route_.key_cookies.push_back(part.text);
            route_.key_has_authorization =
                route_.key_has_authorization || part.field == http::FieldId::authorization;
        }
        route_.has_secrets = impl().key.has_secrets();
        note_credentials();
        if (!route_.key_headers.empty() || !route_.key_cookies.empty() ||
            impl().key.has(Part::Kind::body))
            impl().own_pattern.emplace(
                impl().key, std::initializer_list<Part::Kind>{
                                Part::Kind::header, Part::Kind::cookie, Part::Kind::body});
        impl().collision_mark = "!";
        append_value(impl().collision_mark, impl().path.path, Source::text, true);
    }

    void note_credentials() {
        std::vector<std::string> names = settings_.credentials;
        route_.credential_fields = http::CredentialNames(names);
        const auto covers = [](const std::vector<std::string>& list, const std::string& name) {
            return std::find(list.begin(), list.end(), name) != list.end();
        };
        std::erase_if(names, [&](const std::string& name) {
            return covers(route_.key_headers, name) || covers(route_.rule.ignore.credentials, name);
        });
        route_.credentials = http::CredentialNames(std::move(names));
    }

    void compile_tags() {
        for (std::size_t i = 0; i < route_.rule.tags.size(); ++i) {
            Template tag;
            if (auto wrong =
                    parse_template(route_.rule.tags[i], TemplateUse::tag, impl().path, tag))
                report("tags[" + std::to_string(i) + "]",
                       i < route_.rule.tags_at.size() ? route_.rule.tags_at[i] : route_.rule.at,
                       *wrong);
            impl().tags.push_back(std::move(tag));
        }
    }

    void compile_write() {
        impl().purges.resize(
            route_.rule.purge.size());  // shapes point into the templates, so these must not move
        for (std::size_t i = 0; i < impl().purges.size(); ++i) {
            CompiledPurge& purge = impl().purges[i];
            const settings::Position at =
                i < route_.rule.purge_at.size() ? route_.rule.purge_at[i] : route_.rule.at;
            if (auto wrong = parse_template(route_.rule.purge[i], TemplateUse::purge, impl().path,
                                            purge.source))
                report("purge[" + std::to_string(i) + "]", at, *wrong);
            purge.has_json = purge.source.has(Part::Kind::json);
            route_.has_secrets = route_.has_secrets || purge.source.has_secrets();
            purge.concrete = Shape(purge.source);
            purge.widened = Shape(purge.source, {Part::Kind::json});
        }
    }

    CompiledRoute& route_;
    const settings::Settings& settings_;
    settings::Problems& problems_;
};

std::size_t value_count(const Shape& shape) {
    return static_cast<std::size_t>(
        std::count_if(shape.pieces().begin(), shape.pieces().end(),
                      [](const Piece& piece) { return piece.kind == Piece::Kind::value; }));
}

// A value can make the keys of two routes equal. Then the route with more placeholders marks its
// keys; if both have the same number, the later route does. Routes with the same key text share
// entries, because their author says so.
bool yields_to(const CompiledRoute& route, const CompiledRoute& other) {
    if (route.rule.key == other.rule.key) return false;
    const Shape& mine = route.impl->key_shape;
    const Shape& theirs = other.impl->key_shape;
    const std::size_t my_values = value_count(mine);
    const std::size_t their_values = value_count(theirs);
    const bool yields =
        my_values != their_values ? my_values > their_values : route.index > other.index;
    return yields && my_values > 0 && mine.meets(theirs);
}

// A route with a pinned host needs no Host in the variant, unless a route of another host can make
// the same key. A wildcard pins no host: its hosts may be tenants.
void require_hosts(const std::vector<CompiledRoute*>& reads) {
    for (CompiledRoute* route : reads) {
        if (!route->key_has_host || route->impl->key.has(Part::Kind::host)) continue;
        route->key_has_host =
            std::none_of(reads.begin(), reads.end(), [route](const CompiledRoute* other) {
                return !iequals(other->rule.host, route->rule.host) &&
                       other->impl->key_shape.meets(route->impl->key_shape);
            });
    }
}

void link_rivals(const std::vector<CompiledRoute*>& reads) {
    for (CompiledRoute* route : reads)
        for (const CompiledRoute* other : reads)
            if (other != route && yields_to(*route, *other))
                route->impl->rivals.push_back(&other->impl->key_shape);
}

}  // namespace

RouteTable RouteTable::compile(const settings::Settings& settings, settings::Problems& problems,
                               const RouteTable* before) {
    RouteTable table;
    Impl& impl = *table.impl_;
    std::vector<CompiledRoute*> reads;
    const std::size_t problems_before = problems.size();
    for (const settings::Route& rule : settings.routes) {
        auto route = std::make_unique<CompiledRoute>(rule);
        route->index = impl.routes.size();
        RouteCompiler(*route, settings, problems).compile();
        if (rule.kind == RouteKind::read) reads.push_back(route.get());
        impl.routes.push_back(std::move(route));
    }
    if (problems.size() != problems_before) return table;

    for (const auto& route : impl.routes)
        impl.trie.add(route->impl->path, route->rule.host,
                      static_cast<std::uint32_t>(route->index));
    impl.trie.finish(settings.path_case);
    link_rivals(reads);
    require_hosts(reads);

    std::map<std::string, const Shape*>
        patterns;  // one for each signature, always in the same order
    const auto note = [&patterns](const Shape& shape) {
        if (shape.has_star()) patterns.emplace(shape.signature(), &shape);
    };
    for (const auto& route : impl.routes) {
        for (const CompiledPurge& purge : route->impl->purges) {
            note(purge.concrete);
            note(purge.widened);
        }
        if (route->impl->own_pattern) note(*route->impl->own_pattern);
    }
    for (CompiledRoute* route : reads)
        for (const auto& [signature, pattern] : patterns)
            if (route->impl->key_shape.meets_with_query(*pattern))
                route->impl->tag_patterns.push_back(pattern);
    number_rules(impl, settings.tag_headers, before ? before->impl_.get() : nullptr);
    return table;
}

}  // namespace larder::route
