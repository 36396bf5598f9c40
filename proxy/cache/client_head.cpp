#include "cache/client_head.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "cache/coded_form.hpp"
#include "cache/stored_head.hpp"
#include "http/lists.hpp"

namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t etag_digits = 32;

// The fields that a rewritten head may differ in.
bool is_rewritten(FieldId id) {
    return id == FieldId::cache_control || id == FieldId::expires || id == FieldId::etag ||
           id == FieldId::vary;
}

// The fields that decide how long an entry lives and whom it is for.
bool decides(FieldId id) {
    return is_rewritten(id) || id == FieldId::cdn_cache_control || id == FieldId::pragma;
}

// Removes the next line from the front, and returns it with its CRLF.
std::string_view take_line(std::string_view& lines) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end == std::string_view::npos ? end : end + 2);
    lines.remove_prefix(line.size());
    return line;
}

FieldId id_of(std::string_view line) { return http::field_id(line.substr(0, line.find(':'))); }

// The lines without those that `drops` names; the first line stays.
template <class Drops>
std::string without(std::string_view lines, const Drops& drops) {
    std::string out(take_line(lines));
    while (!lines.empty()) {
        const std::string_view line = take_line(lines);
        if (!drops(id_of(line))) out.append(line);
    }
    return out;
}

std::string_view trim_line_end(std::string_view line) {
    return line.ends_with("\r\n") ? line.substr(0, line.size() - 2) : line;
}

bool is_replaced(FieldId id) {
    return id == FieldId::cache_control || id == FieldId::expires || id == FieldId::age;
}

// Whether other requests may get the response in a coding that larder makes, while its Vary does
// not say so.
bool varies_for_clients(std::string_view head, const settings::Route& rule) {
    if (!rule.compress || rule.compress->empty()) return false;
    std::vector<http::Field> lines;
    parse_stored_head(head, lines);
    const http::Fields fields(lines);
    const std::string_view status_line = head.substr(0, head.find("\r\n"));
    const auto status =
        parse_decimal(status_line.substr(std::min<std::size_t>(9, status_line.size()), 3));
    const auto length = parse_decimal(fields.value(FieldId::content_length));
    if (!may_be_coded(static_cast<int>(status.value_or(0)), fields, length)) return false;
    const auto vary = fields.joined(FieldId::vary);
    return !vary || (!http::has_member(*vary, "accept-encoding") && !http::has_member(*vary, "*"));
}

// A strong ETag: made of everything that the representation consists of (RFC 9110, 8.8.3).
std::string etag_of(const Draft& draft) {
    std::vector<http::Field> lines;
    parse_stored_head(draft.head, lines);
    const http::Fields fields(lines);
    std::string text(fields.value(FieldId::content_type));
    text.append("\n").append(draft.content_encoding).append("\n").append(draft.body.view());
    std::string digest;
    append_sha256(digest, text);
    return '"' + digest.substr(0, etag_digits) + '"';
}

// Notes the origin's lines before the head is changed.
void note_origin_lines(Draft& draft) {
    if (draft.rewritten) return;
    draft.rewritten = true;
    std::string_view rest = draft.head;
    static_cast<void>(take_line(rest));
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (is_rewritten(id_of(line))) draft.origin_lines.append(line);
    }
}

}  // namespace

std::string lines_for_clients(std::string_view lines, const settings::Route& rule) {
    const bool tells = !rule.client_cache_control.empty();
    const bool varies = varies_for_clients(lines, rule);
    std::string out = tells ? without(lines, is_replaced) : std::string(lines);
    if (tells) out.append("Cache-Control: ").append(rule.client_cache_control).append("\r\n");
    if (varies) out.append("Vary: Accept-Encoding\r\n");
    return out;
}

void rewrite_for_clients(Draft& draft, const settings::Route& rule) {
    const bool makes_etag = rule.etag && draft.status == 200 && draft.etag.empty();
    const bool varies = varies_for_clients(draft.head, rule);
    if (rule.client_cache_control.empty() && !makes_etag && !varies) return;
    note_origin_lines(draft);
    if (makes_etag) {
        draft.etag = etag_of(draft);
        draft.head.append("ETag: ").append(draft.etag).append("\r\n");
    }
    draft.head = lines_for_clients(draft.head, rule);
}

void note_left_out(Draft& draft, const http::Fields& origin, const std::vector<std::string>& omit,
                   const std::vector<std::string>& strip) {
    if (omit.empty() && strip.empty()) return;
    for (const http::Field& line : origin) {
        if (!decides(line.id) || (!lists(omit, line.name) && !lists(strip, line.name))) continue;
        note_origin_lines(draft);
        draft.origin_lines.append(line.name).append(": ").append(line.value).append("\r\n");
    }
}

void origin_fields(const StoredResponse& entry, std::vector<http::Field>& fields) {
    parse_stored_head(entry.head(), fields);
    if (!entry.rewritten()) return;
    std::erase_if(fields, [](const http::Field& line) { return is_rewritten(line.id); });
    for (std::string_view rest = entry.origin_lines(); !rest.empty();) {
        const std::string_view line = trim_line_end(take_line(rest));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string_view name = line.substr(0, colon);
        fields.push_back({name, trim_ows(line.substr(colon + 1)), http::field_id(name)});
    }
}

std::string_view origin_etag(const StoredResponse& entry) {
    if (!entry.rewritten()) return entry.etag();
    for (std::string_view rest = entry.origin_lines(); !rest.empty();) {
        const std::string_view line = trim_line_end(take_line(rest));
        if (id_of(line) == FieldId::etag) return trim_ows(line.substr(line.find(':') + 1));
    }
    return {};
}

}  // namespace larder::cache
