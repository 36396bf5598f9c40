#include "flow/response_tags.hpp"

#include <iterator>
#include <unordered_set>

#include "cache/origin_tags.hpp"
#include "cache/stored_head.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {
namespace {

// A stored head lacks the fields that the route strips and those that only the first reader may
// see. Such fields name tags too, so they are taken from the newer answer.
std::vector<http::Field> lines_of(const cache::Draft& draft, const http::ResponseHead& newer) {
    std::vector<http::Field> lines;
    cache::parse_stored_head(draft.head, lines);
    std::unordered_set<std::string> there;
    for (const http::Field& line : lines) there.insert(to_lower_copy(line.name));
    for (const http::Field& line : newer.fields)
        if (!there.contains(to_lower_copy(line.name))) lines.push_back(line);
    return lines;
}

}  // namespace

ResponseTags response_tags_of(const Config& config, const route::CompiledRoute& route,
                              const http::RequestHead& request,
                              const http::ResponseHead& response) {
    ResponseTags tags;
    cache::collect_origin_tags(response, config.settings.tag_headers, tags.names);
    if (!route.rule.tags.empty()) {
        const route::Match match =
            config.routes.match(request.method, request.method_name, request.host, request.path);
        std::vector<std::string> own;
        route::collect_response_tags(route, match.captures, request, response, own);
        std::move(own.begin(), own.end(), std::back_inserter(tags.names));
        cache::remove_repeats(tags.names);
    }
    tags.may_be_kept = cache::are_within_tag_bounds(tags.names);
    return tags;
}

bool renew_response_tags(const Config& config, const route::CompiledRoute& route,
                         const http::RequestHead& request, const cache::StoredResponse& stale,
                         const http::ResponseHead& newer, cache::Draft& draft) {
    const auto tags_of = [&](const std::vector<http::Field>& lines) {
        http::ResponseHead head;
        head.status = draft.status;
        head.fields = http::Fields(lines);
        return response_tags_of(config, route, request, head);
    };
    ResponseTags tags = tags_of(lines_of(draft, newer));
    // A tag that the stale head does not explain came from a field that was not stored, or from
    // another request. Such a tag is kept.
    std::vector<http::Field> stale_lines;
    cache::parse_stored_head(stale.head(), stale_lines);
    const ResponseTags before = tags_of(stale_lines);
    const std::unordered_set<std::string> explained(before.names.begin(), before.names.end());
    for (const cache::TagView tag : stale.response_tags())
        if (std::string name(tag.name); !explained.contains(name))
            tags.names.push_back(std::move(name));
    cache::remove_repeats(tags.names);
    if (!cache::are_within_tag_bounds(tags.names)) return false;
    draft.response_tags.clear();
    for (std::string& name : tags.names) draft.response_tags.push_back({std::move(name), {}});
    return true;
}

}  // namespace larder::flow
