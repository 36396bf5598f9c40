#include "settings/changes.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "settings/effective_config.hpp"

namespace larder::settings {
namespace {

namespace json = boost::json;
using Lines = std::vector<std::string>;

constexpr std::size_t value_bytes_max = 200;

std::string shown(const json::value& value) {
    std::string text = value.is_string() ? std::string(value.get_string()) : json_text(value);
    if (text.size() > value_bytes_max) text = text.substr(0, value_bytes_max) + "...";
    return text;
}

/// The name of an item in a list: a route's match, a listener's address, a token's name.
std::string name_of(const json::value& item) {
    if (!item.is_object()) return {};
    for (const char* key : {"match", "address", "name", "request"})
        if (const json::value* name = item.get_object().if_contains(key))
            if (name->is_string()) return std::string(name->get_string());
    return {};
}

void compare(const std::string& path, const json::value& before, const json::value& after,
             Lines& out);

void compare_maps(const std::string& path, const json::object& before, const json::object& after,
                  Lines& out) {
    const auto inner = [&path](json::string_view key) {
        return path.empty() ? std::string(key) : path + '.' + std::string(key);
    };
    for (const auto& [key, value] : after) {
        const json::value* old = before.if_contains(key);
        if (old == nullptr) {
            out.push_back(inner(key) + ": " + shown(value) + ", was not set");
        } else {
            compare(inner(key), *old, value, out);
        }
    }
    for (const auto& [key, value] : before)
        if (!after.contains(key))
            out.push_back(inner(key) + ": not set any more, was " + shown(value));
}

/// For lists whose items have names: notes items that are new, gone or changed, and a new order.
void compare_named(const std::string& path, const json::array& before, const json::array& after,
                   Lines& out) {
    // Two items may have the same name (routes of different hosts): the n-th is compared with the
    // n-th of that name.
    const auto nth = [](const json::array& list, std::size_t index) {
        const std::string name = name_of(list[index]);
        const auto end = list.begin() + static_cast<std::ptrdiff_t>(index);
        return std::count_if(list.begin(), end,
                             [&](const json::value& item) { return name_of(item) == name; });
    };
    const auto find = [&](const json::array& list, const json::array& from,
                          std::size_t index) -> const json::value* {
        for (std::size_t i = 0; i < list.size(); ++i)
            if (name_of(list[i]) == name_of(from[index]) && nth(list, i) == nth(from, index))
                return &list[i];
        return nullptr;
    };
    Lines kept_before, kept_after;
    for (std::size_t i = 0; i < after.size(); ++i) {
        const std::string label = path + " \"" + name_of(after[i]) + "\"";
        const json::value* old = find(before, after, i);
        if (old == nullptr) {
            out.push_back(label + ": new");
            continue;
        }
        kept_after.push_back(name_of(after[i]));
        compare(label, *old, after[i], out);
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (find(after, before, i) == nullptr)
            out.push_back(path + " \"" + name_of(before[i]) + "\": gone");
        else
            kept_before.push_back(name_of(before[i]));
    }
    if (kept_before != kept_after) out.push_back(path + ": in another order");
}

void compare(const std::string& path, const json::value& before, const json::value& after,
             Lines& out) {
    if (before == after) return;
    if (before.is_object() && after.is_object())
        return compare_maps(path, before.get_object(), after.get_object(), out);
    const auto is_named = [](const json::value& list) {
        return list.is_array() &&
               std::all_of(list.get_array().begin(), list.get_array().end(),
                           [](const auto& item) { return !name_of(item).empty(); });
    };
    if (is_named(before) && is_named(after))
        return compare_named(path, before.get_array(), after.get_array(), out);
    out.push_back(path + ": " + shown(after) + ", was " + shown(before));
}

/// Compares the secrets, since effective_config masks them.
void compare_secrets(const Settings& before, const Settings& after, Lines& out) {
    const auto note = [&out](bool differs, const std::string& path) {
        if (differs) out.push_back(path + ": changed");
    };
    note(before.admin.token != after.admin.token && !before.admin.token.empty() &&
             !after.admin.token.empty(),
         "admin.token");
    for (const AdminToken& token : after.admin.tokens)
        for (const AdminToken& old : before.admin.tokens)
            note(token.name == old.name && token.token != old.token,
                 "admin.tokens \"" + token.name + "\".token");
    note(before.debug_token != after.debug_token && !before.debug_token.empty() &&
             !after.debug_token.empty(),
         "debug_token");
    if (!before.redis || !after.redis) return;
    note(before.redis->url != after.redis->url &&
             before.redis->url.masked() == after.redis->url.masked(),
         "redis.url");
    note(before.redis->sentinel_password != after.redis->sentinel_password &&
             !before.redis->sentinel_password.empty() && !after.redis->sentinel_password.empty(),
         "redis.sentinel_password");
}

}  // namespace

std::vector<std::string> changes(const Settings& before, const Settings& after) {
    Lines out;
    compare("", json::parse(effective_config(before)), json::parse(effective_config(after)), out);
    compare_secrets(before, after, out);
    return out;
}

}  // namespace larder::settings
