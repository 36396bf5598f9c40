#include "route/rules.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "base/sha256.hpp"
#include "route/compiled_impl.hpp"

namespace larder::route {
namespace {

constexpr std::size_t sharing_digits = 8;

/// Texts and numbers in a row. Two rows are equal only if all their parts are.
class Row {
public:
    Row& add(std::string_view text) {
        text_ += std::to_string(text.size());
        text_ += ':';
        text_ += text;
        return *this;
    }
    Row& add_number(std::uint64_t number) {
        text_ += std::to_string(number);
        text_ += ';';
        return *this;
    }
    Row& add_all(const std::vector<std::string>& texts) {
        add_number(texts.size());
        for (const std::string& text : texts) add(text);
        return *this;
    }
    template <class Optional>
    Row& add_optional(const Optional& value) {
        return add_number(value ? 1 : 0).add_number(value ? count_of(*value) : 0);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    static std::uint64_t count_of(std::size_t number) { return number; }
    static std::uint64_t count_of(std::chrono::milliseconds duration) {
        return static_cast<std::uint64_t>(duration.count());
    }

    std::string text_;
};

void add_ignore(Row& row, const settings::Ignore& ignore) {
    for (const bool ignored : {ignore.cache_control, ignore.set_cookie, ignore.cookie,
                               ignore.authorization, ignore.vary})
        row.add_number(ignored ? 1 : 0);
    row.add_all(ignore.credentials);
}

/// Which requests the route's entries answer.
std::string meaning_of(const CompiledRoute& route) {
    const settings::Route& rule = route.rule;
    Row row;
    row.add(rule.key).add(route.path_template).add(rule.host);
    row.add_number(route.impl->path.path_case == settings::PathCase::insensitive ? 1 : 0);
    row.add_number(rule.query_bypass ? 1 : 0).add_all(rule.ignore_query);
    return row.take();
}

/// Under which names purges find the route's entries.
std::string reach_of(const CompiledRoute& route) {
    Row row;
    row.add(meaning_of(route)).add_all(route.rule.tags);
    row.add_number(route.impl->rivals.size());
    for (const Shape* rival : route.impl->rivals) row.add(rival->signature());
    row.add_number(route.impl->tag_patterns.size());
    for (const Shape* pattern : route.impl->tag_patterns) row.add(pattern->signature());
    return row.take();
}

/// Routes of equal texts share their entries.
std::string sharing_of(const CompiledRoute& route) {
    Row row;
    row.add(route.impl->key_shape.signature()).add_number(route.key_has_host ? 1 : 0);
    add_ignore(row, route.rule.ignore);
    row.add_all(route.rule.strip).add(route.sharing);
    return row.take();
}

/// The options that decide about this route's entries: which responses are stored, what is kept of
/// them, for how long, under which tags, and which purges reach them. Names, positions and options
/// that concern the request alone (`wait`, `client_no_cache`) are left out.
std::string rules_of(const CompiledRoute& route) {
    const settings::Route& rule = route.rule;
    Row row;
    row.add(rule.match).add(rule.host).add(rule.key).add(rule.origin).add(rule.origin_path);
    row.add_number(route.impl->path.path_case == settings::PathCase::insensitive ? 1 : 0);
    row.add_optional(rule.ttl)
        .add_optional(rule.stale_while_revalidate)
        .add_optional(rule.stale_if_error);
    row.add_number(std::bit_cast<std::uint64_t>(rule.heuristic)).add_number(rule.status_ttl.size());
    for (const settings::StatusTtl& item : rule.status_ttl)
        row.add_number(static_cast<std::uint64_t>(item.status))
            .add_number(static_cast<std::uint64_t>(item.ttl.count()));
    row.add_number(std::bit_cast<std::uint64_t>(rule.jitter));
    row.add_all(rule.tags).add_all(rule.ignore_query);
    row.add_number(rule.query_bypass ? 1 : 0)
        .add_number(rule.memory ? 1 : 0)
        .add_number(rule.shadow ? 1 : 0)
        .add_optional(rule.max_object);
    row.add_number(route.impl->rivals.size());
    for (const Shape* rival : route.impl->rivals) row.add(rival->signature());
    row.add_number(route.impl->tag_patterns.size());
    for (const Shape* pattern : route.impl->tag_patterns) row.add(pattern->signature());
    return row.take();
}

}  // namespace

void number_rules(RouteTable::Impl& table, const std::vector<std::string>& tag_headers,
                  const RouteTable::Impl* before) {
    // What is said of all routes that share their entries.
    struct Group {
        std::string rules;
        std::string meaning;
        std::string reach;
    };
    std::map<std::string, Group> groups;
    std::vector<std::string> headers = tag_headers;
    std::sort(headers.begin(), headers.end());
    const std::string tags_come_from = Row().add_all(headers).take();
    for (const auto& route : table.routes) {
        if (route->rule.kind != settings::RouteKind::read) continue;
        Group& group = groups[sharing_of(*route)];
        group.rules += rules_of(*route);
        group.meaning += meaning_of(*route);
        for (const settings::StatusTtl& item : route->rule.status_ttl)
            group.meaning += std::to_string(item.status) + ';';
        group.reach += reach_of(*route);
    }

    std::map<std::string, std::uint32_t> known;
    std::uint32_t last = 0;
    if (before) {
        last = before->last_rules;
        for (const auto& route : before->routes)
            if (route->rules != 0) known.emplace(route->impl->rules_text, route->rules);
    }
    for (const auto& route : table.routes) {
        if (route->rule.kind != settings::RouteKind::read) continue;
        const std::string sharing = sharing_of(*route);
        const Group& group = groups[sharing];
        route->impl->rules_text = sharing + group.rules + tags_come_from;
        route->impl->reach_text = sharing + group.reach + tags_come_from;
        std::string digest;
        append_sha256(digest, sharing + group.meaning + tags_come_from);
        route->sharing = "~" + digest.substr(0, sharing_digits) + "~";
        const auto [place, is_new] = known.try_emplace(route->impl->rules_text, last + 1);
        if (is_new) ++last;
        route->rules = place->second;
    }
    table.last_rules = last;
}

}  // namespace larder::route
