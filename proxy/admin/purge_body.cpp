#include "admin/purge_body.hpp"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <set>

#include "base/json_text.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

/// What is wrong with one item; empty: nothing.
std::string_view complaint_about(std::string_view field, const json::value& item) {
    if (!item.is_string()) return "must be a list of strings";
    const json::string& text = item.get_string();
    if (text.empty()) return "must not hold an empty string";
    if (text.size() > purge_item_bytes_max) return "holds a string that is too long";
    const bool has_star = text.find('*') != json::string::npos;
    if (field == "keys" && has_star)
        return "must not hold '*' (in a key it is %2A); name patterns under \"patterns\"";
    if (field == "urls" && !text.starts_with("/") && !text.starts_with("http://") &&
        !text.starts_with("https://"))
        return "must start with '/', http:// or https://";
    return {};
}

std::string read_list(std::string_view field, const json::value& value,
                      std::vector<std::string>& out) {
    const auto complain = [field](std::string_view what) {
        return "\"" + std::string(field) + "\" " + std::string(what);
    };
    if (!value.is_array()) return complain("must be a list of strings");
    for (const json::value& item : value.get_array()) {
        if (const std::string_view what = complaint_about(field, item); !what.empty())
            return complain(what);
        out.emplace_back(item.get_string());
    }
    return {};
}

std::string read_field(std::string_view field, const json::value& value, PurgeOrder& order) {
    if (field == "keys") return read_list(field, value, order.keys);
    if (field == "patterns") return read_list(field, value, order.patterns);
    if (field == "tags") return read_list(field, value, order.tags);
    if (field == "urls") return read_list(field, value, order.urls);
    if (field == "hosts") return read_list(field, value, order.hosts);
    if (field == "prefixes") return read_list(field, value, order.prefixes);
    bool* flag = field == "soft"         ? &order.soft
                 : field == "everything" ? &order.everything
                 : field == "dry_run"    ? &order.dry_run
                                         : nullptr;
    if (flag == nullptr)
        return "unknown field " + json_text(json::string(field)) +
               "; known are keys, patterns, tags, urls, hosts, prefixes, everything, soft and "
               "dry_run";
    if (!value.is_bool()) return "\"" + std::string(field) + "\" must be true or false";
    *flag = value.get_bool();
    return {};
}

/// Finds a name that appears twice in the outermost object. The JSON library would silently keep
/// the last one.
struct DuplicateFinder {
    static constexpr std::size_t max_object_size = SIZE_MAX, max_array_size = SIZE_MAX,
                                 max_key_size = SIZE_MAX, max_string_size = SIZE_MAX;
    using Text = json::string_view;
    using Error = json::error_code;

    std::size_t depth = 0;
    std::string name;
    std::set<std::string> seen;
    std::string duplicate;

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) { return ++depth, true; }
    bool on_object_end(std::size_t, Error&) { return --depth, true; }
    bool on_array_begin(Error&) { return ++depth, true; }
    bool on_array_end(std::size_t, Error&) { return --depth, true; }
    bool on_key_part(Text part, std::size_t, Error&) {
        return name.append(part.data(), part.size()), true;
    }
    bool on_key(Text part, std::size_t, Error&) {
        name.append(part.data(), part.size());
        if (depth == 1 && !seen.insert(name).second) duplicate = name;
        name.clear();
        return true;
    }
    bool on_string_part(Text, std::size_t, Error&) { return true; }
    bool on_string(Text, std::size_t, Error&) { return true; }
    bool on_number_part(Text, Error&) { return true; }
    bool on_int64(std::int64_t, Text, Error&) { return true; }
    bool on_uint64(std::uint64_t, Text, Error&) { return true; }
    bool on_double(double, Text, Error&) { return true; }
    bool on_bool(bool, Error&) { return true; }
    bool on_null(Error&) { return true; }
    bool on_comment_part(Text, Error&) { return true; }
    bool on_comment(Text, Error&) { return true; }
};

/// The duplicate name in a valid text; empty: none.
std::string find_duplicate(std::string_view text) {
    json::basic_parser<DuplicateFinder> parser(json::parse_options{});
    json::error_code error;
    parser.write_some(false, text.data(), text.size(), error);
    return parser.handler().duplicate;
}

json::array to_array(const std::vector<std::string>& items) {
    return json::array(items.begin(), items.end());
}

}  // namespace

std::variant<PurgeOrder, std::string> parse_purge_body(std::string_view body) {
    json::error_code error;
    json::stream_parser parser(json::storage_ptr{}, json::parse_options{.max_depth = 4});
    parser.write(json::string_view(body.data(), body.size()), error);
    if (!error) parser.finish(error);
    if (error) return "the body is not valid JSON: " + error.message();
    const json::value value = parser.release();
    if (!value.is_object())
        return std::string("the body must be a JSON object, like {\"keys\": [\"articles:42\"]}");

    if (const std::string name = find_duplicate(body); !name.empty())
        return json_text(json::string(name)) + " appears twice";

    PurgeOrder order;
    for (const auto& member : value.get_object()) {
        std::string complaint =
            read_field({member.key().data(), member.key().size()}, member.value(), order);
        if (!complaint.empty()) return complaint;
    }
    if (order.empty())
        return std::string(
            "nothing to purge: give at least one of keys, patterns, tags, urls, hosts, prefixes "
            "or \"everything\": true");
    if (order.items() > purge_items_max)
        return "more than " + std::to_string(purge_items_max) + " items to purge in one order";
    return order;
}

JsonAnswer to_answer(const PurgeResult& result) {
    if (result.outcome == PurgeResult::Outcome::malformed)
        return {400, json_text(json::object{{"error", "bad purge"}, {"detail", result.message}})};
    if (result.outcome == PurgeResult::Outcome::failed)
        return {503,
                json_text(json::object{{"error", "the purge failed"}, {"detail", result.message}})};
    const bool done = result.outcome == PurgeResult::Outcome::done;
    const PurgeOrder& asked = result.asked;
    json::object answer{{"purged", json::object{{"keys", asked.keys.size()},
                                                {"patterns", asked.patterns.size()},
                                                {"tags", asked.tags.size()},
                                                {"urls", asked.urls.size()},
                                                {"hosts", asked.hosts.size()},
                                                {"prefixes", asked.prefixes.size()},
                                                {"everything", asked.everything}}},
                        {"acknowledged", done},
                        {"soft", asked.soft},
                        {"names", json::object{{"keys", to_array(result.purged.keys)},
                                               {"patterns", to_array(result.purged.patterns)},
                                               {"tags", to_array(result.purged.tags)},
                                               {"urls", to_array(result.purged.urls)}}}};
    if (result.entries) answer["entries"] = *result.entries;
    if (!result.message.empty()) answer["message"] = result.message;
    return {done ? 200 : 202, json_text(answer)};
}

}  // namespace larder::admin
