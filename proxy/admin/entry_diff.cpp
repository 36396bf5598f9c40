#include "admin/entry_diff.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <dtl/dtl.hpp>
#include <map>
#include <sstream>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "cache/stored_head.hpp"
#include "settings/indented_json.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

// Beyond it a diff takes too long and helps nobody.
constexpr std::size_t diff_bytes_max = 1u << 20;
constexpr std::size_t diff_lines_max = 20'000;

// These differ between any two responses, or belong to one connection.
constexpr std::array<std::string_view, 8> not_compared{
    "age",  "cache-status", "connection",        "content-length",
    "date", "keep-alive",   "transfer-encoding", "x-cache"};

using Fields = std::map<std::string, std::string>;

void add_field(Fields& fields, std::string_view name, std::string_view value) {
    const std::string lower = to_lower_copy(name);
    if (std::find(not_compared.begin(), not_compared.end(), lower) != not_compared.end()) return;
    std::string& all = fields[lower];
    if (!all.empty()) all += ", ";
    all += valid_utf8(value);
}

json::array differing_fields(const Fields& stored, const Fields& now) {
    json::array out;
    const auto value_in = [](const Fields& fields, const std::string& name) -> json::value {
        const auto found = fields.find(name);
        return found == fields.end() ? json::value(nullptr) : json::value(found->second);
    };
    Fields all = stored;
    all.insert(now.begin(), now.end());
    for (const auto& [name, ignored] : all) {
        const json::value before = value_in(stored, name), after = value_in(now, name);
        if (before != after) out.push_back(json::array{name, before, after});
    }
    return out;
}

// JSON is laid out, so that the diff shows the member that differs and not one long line.
std::string laid_out(std::string_view body) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
    if (error || !(value.is_object() || value.is_array())) return std::string(body);
    return settings::indented_json(value);
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string sizes_text(std::size_t stored, const flow::AsideAnswer& now) {
    return "stored " + std::to_string(stored) + " bytes, the origin sends " +
           (now.body_too_large ? "more than " : "") + std::to_string(now.body.size());
}

std::string body_diff(std::string_view stored, const flow::AsideAnswer& now) {
    const bool texts = is_utf8(stored) && is_utf8(now.body) && !now.body_too_large;
    if (!texts || stored.size() > diff_bytes_max || now.body.size() > diff_bytes_max)
        return sizes_text(stored.size(), now);
    const std::string diff = unified_diff(laid_out(stored), laid_out(now.body));
    return diff.empty() ? sizes_text(stored.size(), now) : diff;
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after) {
    if (before == after) return {};
    const std::vector<std::string> old_lines = lines_of(before), new_lines = lines_of(after);
    if (old_lines.size() > diff_lines_max || new_lines.size() > diff_lines_max) return {};
    dtl::Diff<std::string, std::vector<std::string>> diff(old_lines, new_lines);
    diff.onHuge();
    diff.compose();
    diff.composeUnifiedHunks();
    std::ostringstream out;
    diff.printUnifiedFormat(out);
    return out.str();
}

json::object to_diff(const cache::StoredResponse& stored, const flow::AsideAnswer& now) {
    std::vector<http::Field> lines;
    cache::parse_stored_head(stored.head(), lines);
    Fields stored_fields, fields_now;
    for (const http::Field& field : lines) add_field(stored_fields, field.name, field.value);
    for (const auto& [name, value] : now.fields) add_field(fields_now, name, value);
    const bool same_body = !now.body_too_large && stored.body() == now.body;
    json::object out;
    out["same"] = same_body && stored.status() == now.status;
    out["status"] = json::array{stored.status(), now.status};
    out["headers"] = differing_fields(stored_fields, fields_now);
    out["body"] = same_body ? std::string() : body_diff(stored.body(), now);
    return out;
}

}  // namespace larder::admin
