#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

std::vector<std::pair<std::string, std::string>> read_request_headers(const Node& node) {
    std::vector<std::pair<std::string, std::string>> out;
    MapReader map(node, "a map of header names and values");
    if (!map.is_map()) return out;
    for (const auto& [name, value] : map.entries())
        if (auto text = read_text(value)) out.emplace_back(name, std::move(*text));
    return out;
}

Example read_example(const Node& node) {
    Example example;
    example.at = node.at();
    MapReader map(node, "a map with request, and what to expect of it");
    if (!map.is_map()) return example;
    map.require("request", "a request, such as GET /articles?limit=5");
    map.read("request", example.request, read_filled_text);
    if (const auto headers = map.take("headers")) example.headers = read_request_headers(*headers);
    map.read("key", example.key, read_text);
    map.read("ttl", example.ttl, read_duration);
    map.read("purges", example.purges, read_texts);
    if (const auto cache = map.take("cache"))
        example.cache_off = read_off(*cache, "expected off") == false;
    map.declare_alternatives({{"key", "ttl"}, {"purges"}, {"cache"}});
    map.report_unknown_keys();
    const bool reads = map.has("key") || map.has("ttl");
    const int kinds = int{reads} + int{map.has("purges")} + int{map.has("cache")};
    if (kinds == 0) node.error("expects nothing: needs key, ttl, purges or cache: off");
    if (kinds > 1) node.error("mixes kinds: expect key and ttl, or purges, or cache: off");
    return example;
}

}  // namespace

void read_examples(const Node& node, std::vector<Example>& examples) {
    if (node.is_null_as_empty()) return;
    if (!node.is_list()) return node.error_expected("a list of examples");
    for (const Node& item : node.items()) examples.push_back(read_example(item));
}

}  // namespace larder::settings
