#include "cache/stored_head.hpp"

#include <algorithm>

#include "http/hop_by_hop.hpp"
#include "http/http_date.hpp"

namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

void append_line(std::string_view name, std::string_view value, std::string& out) {
    out.append(name).append(": ").append(value).append("\r\n");
}

// RFC 9111, 3.1, and what larder writes anew with every answer.
bool is_never_stored(const Field& line, const http::ConnectionOptions& connection) {
    return http::is_hop_by_hop(line.id) || http::is_proxy_specific(line) ||
           connection.names(line) || line.id == FieldId::age || line.id == FieldId::x_cache;
}

}  // namespace

bool lists(std::span<const std::string> names, std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& listed) { return iequals(listed, name); });
}

void append_stored_head(const http::ResponseHead& response, const std::vector<std::string>& omit,
                        const std::vector<std::string>& strip, std::uint64_t body_size,
                        WallTime received_at, std::string& out) {
    constexpr std::size_t typical_bytes = 512;
    const http::ConnectionOptions connection = http::parse_connection(response.fields);
    out.reserve(typical_bytes);
    out.append("HTTP/1.1 ");
    append_decimal(out, response.status);
    out.append(" ").append(response.reason).append("\r\n");
    // A 204 has no Content-Length (RFC 9110, 8.6).
    bool needs_length = response.status != 204;
    bool needs_date = true;
    for (const Field& line : response.fields) {
        if (is_never_stored(line, connection) || lists(omit, line.name) || lists(strip, line.name))
            continue;
        if (line.id == FieldId::content_length) {
            if (!needs_length || parse_decimal(line.value) != body_size) continue;
            needs_length = false;
        }
        if (line.id == FieldId::date) needs_date = false;
        append_line(line.name, line.value, out);
    }
    if (needs_date)
        append_line("Date", http::format_http_date(http::whole_second(received_at)), out);
    if (needs_length) append_line("Content-Length", std::to_string(body_size), out);
}

std::string stripped_trailers(std::string_view lines, const std::vector<std::string>& strip) {
    std::string kept;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find("\r\n") + 2);
        if (!lists(strip, line.substr(0, line.find(':')))) kept.append(line);
        lines.remove_prefix(line.size());
    }
    return kept;
}

void parse_stored_head(std::string_view head, std::vector<Field>& fields) {
    constexpr std::size_t typical_fields = 16;
    fields.clear();
    fields.reserve(typical_fields);
    std::size_t at = head.find("\r\n");
    while (at != std::string_view::npos && at + 2 < head.size()) {
        const std::size_t start = at + 2;
        at = head.find("\r\n", start);
        const std::string_view line =
            head.substr(start, at == std::string_view::npos ? at : at - start);
        const std::size_t colon = line.find(':');
        if (colon == 0 || colon == std::string_view::npos) continue;
        const std::string_view name = line.substr(0, colon);
        fields.push_back({name, trim_ows(line.substr(colon + 1)), http::field_id(name)});
    }
}

void index_stored_head(Draft& draft) {
    std::vector<Field> lines;
    parse_stored_head(draft.head, lines);
    const http::Fields fields(lines);
    draft.etag = fields.value(FieldId::etag);
    draft.last_modified = fields.value(FieldId::last_modified);
    draft.content_encoding = fields.joined(FieldId::content_encoding).value_or(std::string());
}

}  // namespace larder::cache
