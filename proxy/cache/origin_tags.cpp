#include <algorithm>

#include "cache/decisions.hpp"
#include "http/lists.hpp"
#include "http/structured_fields.hpp"

namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t tags_max = 128;
constexpr std::size_t tag_bytes_max = 256;

/// Adds tags up to the bounds; what is beyond them is left out.
class TagCollector {
public:
    explicit TagCollector(std::vector<std::string>& tags) : tags_(tags), start_(tags.size()) {}

    void add(std::string_view prefix, std::string_view name) {
        if (name.empty() || prefix.size() + name.size() > tag_bytes_max || tags_.size() - start_ == tags_max) return;
        std::string tag = std::string(prefix).append(name);
        if (std::find(tags_.begin(), tags_.end(), tag) == tags_.end()) tags_.push_back(std::move(tag));
    }

private:
    std::vector<std::string>& tags_;
    std::size_t start_;
};

void add_separated_by_spaces(std::string_view value, TagCollector& out) {
    while (!value.empty()) {
        const std::size_t end = std::min(value.find_first_of(" \t"), value.size());
        out.add({}, value.substr(0, end));
        value.remove_prefix(std::min(end + 1, value.size()));
    }
}

/// RFC 9875, 2 and 3: a list of strings; any other value is ignored as a whole.
void add_groups(const http::Fields& fields, FieldId id, TagCollector& out) {
    const auto value = fields.joined(id);
    if (!value) return;
    const auto list = http::parse_list(*value);
    if (!list) return;
    const auto is_string = [](const http::StructuredItem& item) {
        return item.type == http::StructuredItem::Type::string;
    };
    if (!std::all_of(list->begin(), list->end(), is_string)) return;
    for (const http::StructuredItem& item : *list) out.add("group:", item.text);
}

}  // namespace

void collect_origin_tags(const http::ResponseHead& response, std::vector<std::string>& tags) {
    TagCollector out(tags);
    for (const http::Field& line : response.fields) {
        if (line.id == FieldId::surrogate_key) add_separated_by_spaces(line.value, out);
        if (line.id == FieldId::cache_tag)
            http::for_each_member(line.value, [&](std::string_view tag) { out.add({}, tag); });
    }
    add_groups(response.fields, FieldId::cache_groups, out);
}

void collect_invalidated_groups(const http::ResponseHead& response, std::vector<std::string>& tags) {
    TagCollector out(tags);
    add_groups(response.fields, FieldId::cache_group_invalidation, out);
}

}  // namespace larder::cache
