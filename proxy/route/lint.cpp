#include "route/lint.hpp"

#include <algorithm>
#include <map>

#include "route/compiled_impl.hpp"
#include "route/foreign_syntax.hpp"

namespace larder::route {
namespace {

using settings::RouteKind;
using Route = const CompiledRoute&;
using Routes = std::vector<std::unique_ptr<CompiledRoute>>;

/// A purge for a write to the same path: what the key takes from the path stays, the rest is any.
std::string suggested_purge(const std::string& key, const std::string& path) {
    std::string out;
    for (std::size_t at = 0; at < key.size();) {
        if (key[at] != '{') {
            out += key[at++];
            continue;
        }
        const std::size_t end = std::min(key.find('}', at), key.size() - 1);
        const std::string placeholder = key.substr(at, end + 1 - at);
        const std::string name = key.substr(at + 1, end - at - 1);
        const bool is_known = name == "path" || name == "host" ||
                              path.find(placeholder) != std::string::npos ||
                              path.find('{' + name + "*}") != std::string::npos;
        if (!is_known) return out + '*';
        out += placeholder;
        at = end + 1;
    }
    return out;
}

/// The write that a reader of this path would add: lists get new members by POST.
std::string suggested_write(const std::string& path, const std::string& key) {
    const std::string methods = path.ends_with('}') ? "PUT,PATCH,DELETE" : "POST,PUT,PATCH,DELETE";
    return "`match: " + methods + ' ' + path + "` with `purge: [\"" + suggested_purge(key, path) +
           "\"]`";
}

class Linter {
public:
    Linter(const Routes& routes, settings::Problems& problems)
        : routes_(routes), problems_(problems) {}

    void run() {
        for (const auto& route : routes_) {
            check_shadowed(*route);
            check_foreign_syntax(*route);
            if (route->rule.kind == RouteKind::read) check_read(*route);
            if (route->rule.kind == RouteKind::write) check_write(*route);
        }
        check_unpurged_resources();
        std::stable_sort(
            problems_.begin() + first_, problems_.end(), [](const auto& a, const auto& b) {
                return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
            });
    }

private:
    void warn(Route route, const std::string& option, settings::Position at,
              const std::string& message) {
        if (at.line == 0) at = route.rule.at;
        const std::string path =
            "routes[" + std::to_string(route.index) + "]" + (option.empty() ? "" : "." + option);
        problems_.push_back(
            {settings::Problem::Severity::warning, at, path, route.rule.match + ": " + message});
    }

    static std::string name_of(Route route) {
        std::string name = "\"" + route.rule.match + "\"";
        if (route.rule.match_at.line > 0)
            name += " (line " + std::to_string(route.rule.match_at.line) + ")";
        return name;
    }

    static bool takes_all_of(Route earlier, Route later, http::Method method,
                             std::string_view method_name) {
        const bool host_covers =
            earlier.rule.host.empty() ||
            (!later.rule.host.empty() && host_takes(earlier.rule.host, later.rule.host));
        return host_covers && earlier.impl->path.takes(method, method_name) &&
               path_covers(earlier.impl->path, later.impl->path);
    }

    [[nodiscard]] const CompiledRoute* shadow_of(Route route, http::Method method,
                                                 std::string_view name) const {
        for (std::size_t i = 0; i < route.index; ++i)
            if (takes_all_of(*routes_[i], route, method, name)) return routes_[i].get();
        return nullptr;
    }

    void check_shadowed(Route route) {
        const CompiledRoute* shadow = nullptr;
        if (route.impl->path.all_methods) {
            // A method of any name: only a rule for all methods takes it.
            shadow = shadow_of(route, http::Method::other, "*");
            if (!shadow) return;
        }
        for (unsigned bit = 0; bit < static_cast<unsigned>(http::Method::other); ++bit) {
            const auto method = static_cast<http::Method>(bit);
            if ((route.impl->path.methods & method_bit(method)) == 0) continue;
            shadow = shadow_of(route, method, {});
            if (!shadow) return;
        }
        for (const std::string& name : route.impl->path.other_names) {
            shadow = shadow_of(route, http::Method::other, name);
            if (!shadow) return;
        }
        if (shadow)
            warn(route, "match", route.rule.match_at,
                 "can never match, because the earlier " + name_of(*shadow) +
                     " takes all of its requests; move it before that one, or remove it");
    }

    // Larder takes a placeholder of another tool literally. Such a path matches no request, and
    // such a key, purge or tag does not contain the value.
    void check_foreign_syntax(Route route) {
        const std::string spelled = larder_path(route.impl->path.path);
        if (spelled != route.impl->path.path)
            warn(route, "match", route.rule.match_at,
                 "the path is taken literally, so hardly any request matches it; a placeholder is "
                 "{name} for one segment, and "
                 "{name*} for all that remains: " +
                     route.rule.match.substr(0, route.rule.match.find(' ')) + " " + spelled);
        for (const std::string& name : route.impl->path.other_names)
            if (name == "ANY" || name == "ALL")
                warn(route, "match", route.rule.match_at,
                     name +
                         " is taken for a method of that name; name the methods, such as GET or "
                         "POST,PUT,PATCH,DELETE, or write \"* " +
                         route.impl->path.path + "\" for all of them on a pass route");
        check_foreign_template(route, "key", route.rule.key, route.rule.key_at);
        for (std::size_t i = 0; i < route.rule.purge.size(); ++i)
            check_foreign_template(
                route, "purge[" + std::to_string(i) + "]", route.rule.purge[i],
                i < route.rule.purge_at.size() ? route.rule.purge_at[i] : route.rule.at);
        for (std::size_t i = 0; i < route.rule.tags.size(); ++i)
            check_foreign_template(
                route, "tags[" + std::to_string(i) + "]", route.rule.tags[i],
                i < route.rule.tags_at.size() ? route.rule.tags_at[i] : route.rule.at);
    }

    void check_foreign_template(Route route, const std::string& option, const std::string& text,
                                settings::Position at) {
        if (const auto found = foreign_placeholder(text))
            warn(route, option, at,
                 "\"" + found->written + "\" is taken literally; write " + found->spelling);
    }

    static std::string larder_path(std::string_view path) {
        std::string out;
        for (std::size_t begin = 1; begin <= path.size();) {
            const std::size_t end = std::min(path.find('/', begin), path.size());
            const std::string_view segment = path.substr(begin, end - begin);
            out.append("/").append(
                larder_segment(segment, end == path.size()).value_or(std::string(segment)));
            begin = end + 1;
        }
        return out;
    }

    void check_read(Route route) {
        check_key(route);
        if (route.rule.ttl && route.rule.ttl->count() == 0)
            warn(route, "ttl", route.rule.ttl_at,
                 "a ttl of zero grants nothing, as if it were absent; give a lifetime such as 60s, "
                 "or say `cache: off`");
        check_ignore(route);
        check_body(route);
        check_lifetime_options(route);
    }

    void check_body(Route route) {
        const auto& parts = route.impl->key.parts;
        const auto is_body = [](const Part& part) { return part.kind == Part::Kind::body; };
        const bool whole = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
            return is_body(part) && part.text.empty();
        });
        if (!whole && std::any_of(parts.begin(), parts.end(), is_body))
            warn(route, "key", route.rule.key_at,
                 "holds only parts of the body, so requests that differ in other parts of it share "
                 "one entry; add {body|json|sha256} unless they get the same answer");
    }

    void check_lifetime_options(Route route) {
        const bool grants =
            (route.rule.ttl && route.rule.ttl->count() > 0) || !route.rule.status_ttl.empty();
        if (route.rule.jitter > 0 && !grants)
            warn(route, "jitter", {},
                 "has no effect, because the route has neither ttl nor status_ttl");
        if (route.rule.refresh_ahead > 0 && route.rule.shadow)
            warn(route, "refresh_ahead", {}, "has no effect in mode: shadow");
    }

    void check_key(Route route) {
        if (route.impl->key.has(Part::Kind::path)) return;
        for (const Segment& segment : route.impl->path.segments) {
            if (segment.kind == Segment::Kind::literal) continue;
            const auto& parts = route.impl->key.parts;
            const bool held = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
                return (part.kind == Part::Kind::capture || part.kind == Part::Kind::rest) &&
                       part.text == segment.text;
            });
            if (!held)
                warn(route, "key", route.rule.key_at,
                     "has no {" + segment.text +
                         "}, so resources that differ only in it share one entry; add {" +
                         segment.text + "} to the key");
        }
    }

    void check_ignore(Route route) {
        const settings::Ignore& ignore = route.rule.ignore;
        const auto leak = [&](const std::string& what) {
            warn(route, "ignore", route.rule.ignore_at, what);
        };
        const auto& strip = route.rule.strip;
        const bool strips_cookies =
            std::find(strip.begin(), strip.end(), "set-cookie") != strip.end();
        const bool by_user = route.key_has_authorization || !route.key_cookies.empty();
        if (ignore.authorization && !route.key_has_authorization)
            leak(
                "[authorization] lets one user get the response made for another; put "
                "{header:authorization|sha256} "
                "into the key, or do not ignore it");
        if (ignore.cookie && route.key_cookies.empty())
            leak(
                "[cookie] lets one user get the response made for another; put the cookie that "
                "tells users apart into "
                "the key, such as {cookie:session|sha256}, or do not ignore it");
        if (ignore.set_cookie && !strips_cookies)
            leak(
                "[set-cookie] hands one user's cookies to others; add `strip: [set-cookie]`, or do "
                "not ignore it");
        if (ignore.cache_control && !by_user)
            leak(
                "[cache-control] also ignores `private` and `no-store`, so one user may get a "
                "response made for "
                "another; put what tells users apart into the key, or do not ignore it");
    }

    void check_write(Route route) {
        check_misspelled(route);
        for (std::size_t i = 0; i < route.impl->purges.size(); ++i) {
            const settings::Position at =
                i < route.rule.purge_at.size() ? route.rule.purge_at[i] : route.rule.at;
            const std::string option = "purge[" + std::to_string(i) + "]";
            const CompiledPurge& purge = route.impl->purges[i];
            const bool hits = std::any_of(routes_.begin(), routes_.end(), [&](const auto& read) {
                return read->rule.kind == RouteKind::read &&
                       read->impl->key_shape.meets_with_query(purge.widened);
            });
            if (!hits)
                warn(route, option, at,
                     "\"" + route.rule.purge[i] +
                         "\" fits no key of any read route, so it purges nothing; compare it with "
                         "the `key` of the "
                         "route it is meant for");
        }
    }

    // No line uses a capture of the path, and a line has a placeholder that the path does not
    // capture: most likely one of the two names is misspelled.
    void check_misspelled(Route route) {
        for (const Segment& segment : route.impl->path.segments) {
            if (segment.kind == Segment::Kind::literal) continue;
            const Part* stray = nullptr;
            bool used = false;
            for (const CompiledPurge& purge : route.impl->purges) {
                for (const Part& part : purge.source.parts) {
                    used = used ||
                           ((part.kind == Part::Kind::capture || part.kind == Part::Kind::rest) &&
                            part.text == segment.text);
                    if (part.kind == Part::Kind::query && !part.fallback) stray = &part;
                }
            }
            if (!used && stray)
                warn(route, "purge", {},
                     "{" + stray->text +
                         "} is not in the path, so it is taken from the write's query, while {" +
                         segment.text + "} of the path is not used; write {" + segment.text +
                         "} if that is meant");
        }
    }

    // Read routes whose paths have the same literal beginning show one resource: /articles and
    // /articles/{id}.
    static std::string resource_of(Route route) {
        const std::string& path = route.impl->path.path;
        std::string resource = path.substr(0, path.find('{'));
        while (resource.size() > 1 && resource.ends_with('/')) resource.pop_back();
        return resource;
    }

    [[nodiscard]] bool is_purged(Route read) const {
        return std::any_of(routes_.begin(), routes_.end(), [&](const auto& write) {
            if (write->rule.kind != RouteKind::write) return false;
            if (paths_meet(write->impl->path, read.impl->path)) return true;
            const auto& purges = write->impl->purges;
            return std::any_of(purges.begin(), purges.end(), [&](const CompiledPurge& purge) {
                return read.impl->key_shape.meets_with_query(purge.widened);
            });
        });
    }

    void check_unpurged_resources() {
        struct Resource {
            const CompiledRoute* first = nullptr;
            bool purged = false;
        };
        std::map<std::string, Resource> resources;
        for (const auto& route : routes_) {
            if (route->rule.kind != RouteKind::read) continue;
            Resource& resource = resources[resource_of(*route)];
            if (!resource.first) resource.first = route.get();
            resource.purged = resource.purged || is_purged(*route);
        }
        for (const auto& [path, resource] : resources)
            if (!resource.purged)
                warn(
                    *resource.first, "match", resource.first->rule.match_at,
                    "no write purges " + path +
                        ", so a change shows only once the entry has expired; add a route such "
                        "as " +
                        suggested_write(resource.first->impl->path.path, resource.first->rule.key) +
                        " if this API can change it");
    }

    const Routes& routes_;
    settings::Problems& problems_;
    std::ptrdiff_t first_ = static_cast<std::ptrdiff_t>(problems_.size());
};

}  // namespace

void lint(const RouteTable& table, const settings::Settings&, settings::Problems& problems) {
    Linter(table.routes(), problems).run();
}

}  // namespace larder::route
