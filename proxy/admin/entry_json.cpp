#include "admin/entry_json.hpp"

#include <openssl/evp.h>

#include <boost/json.hpp>

#include "base/time_text.hpp"
#include "base/utf8.hpp"
#include "cache/freshness.hpp"
#include "cache/stored_head.hpp"
#include "cache/vary.hpp"
#include "route/compiled_route.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

json::string text_of(std::string_view text) { return json::string(valid_utf8(text)); }

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock adds a NUL
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    out.resize(static_cast<std::size_t>(EVP_EncodeBlock(to, from, static_cast<int>(bytes.size()))));
    return out;
}

json::array tags_of(const cache::StoredResponse& entry) {
    json::array tags;
    for (const cache::TagView tag : entry.response_tags()) tags.push_back(text_of(tag.name));
    return tags;
}

}  // namespace

std::string route_of(const route::RouteTable& routes, const cache::StoredResponse& entry) {
    const std::string authority = cache::target_of_variant(entry.variant()).authority;
    const std::string_view target = entry.target();
    const std::string_view path = target.substr(0, target.find('?'));
    const route::Match match = routes.match(http::Method::get, "GET", authority, path);
    return match.route ? match.route->path_template : std::string();
}

json::object to_listed(const ShownKey& key, const std::string& route, WallTime now) {
    const ShownEntry& newest = key.entries.front();
    json::object out;
    out["key"] = text_of(key.key);
    out["route"] = text_of(route);
    out["age"] = cache::current_age(newest.entry->freshness(), now).count();
    out["ttl"] = cache::remaining_lifetime(newest.entry->freshness(), now).count();
    out["bytes"] = newest.bytes;
    out["tags"] = tags_of(*newest.entry);
    out["tier"] = text_of(tier_of(newest));
    out["variants"] = key.entries.size();
    if (newest.soft_purged) out["soft_purged"] = true;
    return out;
}

json::object to_variant(const ShownEntry& shown, bool with_body, WallTime now) {
    const cache::StoredResponse& entry = *shown.entry;
    const cache::VariantTarget target = cache::target_of_variant(entry.variant());
    json::object out;
    out["status"] = entry.status();
    json::array headers;
    std::vector<http::Field> fields;
    cache::parse_stored_head(entry.head(), fields);
    for (const http::Field& field : fields)
        headers.push_back(json::array{text_of(field.name), text_of(field.value)});
    out["headers"] = std::move(headers);
    out["age"] = cache::current_age(entry.freshness(), now).count();
    out["ttl"] = cache::remaining_lifetime(entry.freshness(), now).count();
    out["tags"] = tags_of(entry);
    out["stored_at"] = text_of(rfc3339_text(entry.received_at()));
    out["bytes"] = shown.bytes;
    out["tier"] = text_of(tier_of(shown));
    out["scheme"] = text_of(target.scheme);
    out["host"] = text_of(target.authority);
    out["target"] = text_of(entry.target());
    json::array vary;
    for (const std::string_view name : entry.vary()) vary.push_back(text_of(name));
    out["vary"] = std::move(vary);
    if (shown.soft_purged) out["soft_purged"] = true;
    if (!with_body) return out;
    if (shown.body_absent) {
        out["body_omitted"] = "only Redis has this large body";
    } else if (is_utf8(entry.body())) {
        out["body"] = text_of(entry.body());
    } else {
        out["body_base64"] = text_of(base64(entry.body()));
    }
    return out;
}

}  // namespace larder::admin
