#include "fuzz/fuzz.hpp"
#include "http/chunked.hpp"
#include "http/etag.hpp"
#include "http/head_parser.hpp"
#include "http/hop_by_hop.hpp"
#include "http/http_date.hpp"
#include "http/lists.hpp"
#include "http/range.hpp"
#include "http/structured_fields.hpp"

namespace larder::fuzz {
namespace {

constexpr WallTime now{std::chrono::seconds(784111777)};

void check_date(std::string_view text) {
    const auto date = http::parse_http_date(text, now);
    if (!date) return;
    const std::string canonical = http::format_http_date(*date);
    require(canonical.size() == http::http_date_size, "a date has 29 bytes");
    require(http::parse_http_date(canonical, now) == date, "a date written is the date read");
}

void check_tags(std::string_view list, std::string_view text) {
    const http::EntityTag tag = http::parse_entity_tag(text);
    require(!http::strongly_equal(tag, tag) || (!tag.weak && !tag.opaque.empty()),
            "a weak tag equals nothing strongly");
    require(http::weakly_equal(tag, tag) == !tag.opaque.empty(), "a tag equals itself weakly");
    http::none_match_lists(list, tag);
}

void check_ranges(std::string_view text) {
    const auto ranges = http::parse_byte_ranges(text);
    if (!ranges) return;
    require(!ranges->empty() && ranges->size() <= http::range_specs_max,
            "a range set is bounded and not empty");
    for (const http::RangeSpec& range : *ranges)
        require(range.is_suffix || range.first <= range.last, "ranges go forward");
}

void check_connection(std::string_view line, std::string_view name) {
    const std::vector<http::Field> lines{{"Connection", line, http::FieldId::connection}};
    const http::ConnectionOptions options = http::parse_connection(http::Fields(lines));
    require(!options.names("Authorization") && !options.names("cookie") && !options.names("HOST"),
            "end-to-end fields stay");
    if (http::is_token(name) && !http::is_end_to_end(http::field_id(name)))
        require(options.names(name) == http::has_member(line, name),
                "a field named in Connection is known to be");
}

}  // namespace

// One line is a value, the next a second one: read as every field of which larder looks at the
// value.
void field_values(std::string_view input) {
    const std::string_view first = trim_ows(take_until(input, "\n"));
    const std::string_view second = trim_ows(take_until(input, "\n"));
    check_date(first);
    check_tags(first, second);
    check_ranges(first);
    check_connection(first, second);
    if (const auto list = http::parse_list(first))
        require(list->size() <= 1024, "a list is bounded");
    if (const auto dictionary = http::parse_dictionary(first)) {
        require(dictionary->size() <= 1024, "a dictionary is bounded");
        for (std::size_t i = 1; i < dictionary->size(); ++i)
            require((*dictionary)[i].first != dictionary->front().first, "a key stands once");
    }
    http::valid_host(first);
    http::valid_trailers(first);
    http::field_id(first);
}

}  // namespace larder::fuzz
