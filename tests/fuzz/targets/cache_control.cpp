#include "http/cache_control.hpp"

#include "fuzz/fuzz.hpp"

namespace larder::fuzz {
namespace {

void check_deltas(const http::CacheControl& control) {
    for (const auto& delta : {control.max_age, control.s_maxage, control.stale_while_revalidate,
                              control.stale_if_error, control.min_fresh})
        require(!delta || (delta->count() >= 0 && *delta <= http::delta_seconds_max),
                "deltas are not negative, and saturate");
    require(!control.max_stale || control.max_stale->count() >= 0, "max-stale is not negative");
}

}  // namespace

// Lines of Cache-Control; those that begin with '!' are CDN-Cache-Control.
void cache_control(std::string_view input) {
    std::vector<http::Field> lines;
    while (!input.empty() && lines.size() < 64) {
        const std::string_view line = take_until(input, "\n");
        if (line.starts_with('!')) {
            lines.push_back(
                {"CDN-Cache-Control", trim_ows(line.substr(1)), http::FieldId::cdn_cache_control});
        } else {
            lines.push_back({"cache-control", trim_ows(line), http::FieldId::cache_control});
        }
    }
    const http::Fields fields(lines);
    check_deltas(http::parse_cache_control(fields));
    if (const auto cdn = http::parse_cdn_cache_control(fields)) {
        require(fields.has(http::FieldId::cdn_cache_control), "an absent field says nothing");
        check_deltas(*cdn);
    }
    // A directive more can only forbid more.
    const bool no_store = http::parse_cache_control(fields).no_store;
    lines.push_back({"Cache-Control", "max-age=1, public", http::FieldId::cache_control});
    require(http::parse_cache_control(http::Fields(lines)).no_store == no_store,
            "later lines do not hide no-store");
}

}  // namespace larder::fuzz
