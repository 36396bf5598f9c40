#include "cache/origin_tags.hpp"

#include <algorithm>
#include <unordered_set>

#include "cache/stored_head.hpp"
#include "http/structured_fields.hpp"

namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t tags_max = 1024;
constexpr std::size_t tag_bytes_max = 1024;

// RFC 9875, 2 and 3: a list of strings; any other value is ignored as a whole.
void add_groups(const http::Fields& fields, FieldId id, std::vector<std::string>& tags) {
    const auto value = fields.joined(id);
    if (!value) return;
    const auto list = http::parse_list(*value);
    if (!list) return;
    const auto is_string = [](const http::StructuredItem& item) {
        return item.type == http::StructuredItem::Type::string;
    };
    if (!std::all_of(list->begin(), list->end(), is_string)) return;
    for (const http::StructuredItem& item : *list)
        if (!item.text.empty()) tags.push_back("group:" + item.text);
}

}  // namespace

void add_named_tags(std::string_view value, std::vector<std::string>& tags) {
    while (!value.empty()) {
        const std::size_t end = std::min(value.find_first_of(", \t"), value.size());
        if (end > 0) tags.emplace_back(value.substr(0, end));
        value.remove_prefix(std::min(end + 1, value.size()));
    }
}

void remove_repeats(std::vector<std::string>& names) {
    if (names.size() < 2) return;
    std::unordered_set<std::string> seen;
    seen.reserve(names.size());
    const auto is_repeat = [&seen](const std::string& name) { return !seen.insert(name).second; };
    names.erase(std::remove_if(names.begin(), names.end(), is_repeat), names.end());
}

bool are_within_tag_bounds(const std::vector<std::string>& tags) {
    const auto fits = [](const std::string& tag) { return tag.size() <= tag_bytes_max; };
    return tags.size() <= tags_max && std::all_of(tags.begin(), tags.end(), fits);
}

void collect_origin_tags(const http::ResponseHead& response,
                         const std::vector<std::string>& tag_headers,
                         std::vector<std::string>& tags) {
    for (const http::Field& line : response.fields)
        if (lists(tag_headers, line.name)) add_named_tags(line.value, tags);
    add_groups(response.fields, FieldId::cache_groups, tags);
    remove_repeats(tags);
}

void collect_invalidated_groups(const http::ResponseHead& response,
                                std::vector<std::string>& tags) {
    add_groups(response.fields, FieldId::cache_group_invalidation, tags);
    remove_repeats(tags);
}

}  // namespace larder::cache
