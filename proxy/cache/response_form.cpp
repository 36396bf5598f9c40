#include "cache/response_form.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cache/preconditions.hpp"
#include "cache/stored_head.hpp"

namespace larder::cache {
namespace {

using http::FieldId;
using Kind = ResponseForm::Kind;

std::string_view status_line(Kind kind) {
    switch (kind) {
        case Kind::not_modified:
            return "HTTP/1.1 304 Not Modified\r\n";
        case Kind::partial:
            return "HTTP/1.1 206 Partial Content\r\n";
        case Kind::unsatisfiable:
            return "HTTP/1.1 416 Range Not Satisfiable\r\n";
        default:
            return {};
    }
}

// Digests of the bytes that are sent, not of the whole representation (RFC 9530, 2; RFC 1864).
bool is_digest_of_content(std::string_view name) {
    return iequals(name, "content-digest") || iequals(name, "content-md5");
}

// Whether the form is sent without the field of the whole response.
bool drops(Kind kind, std::string_view name) {
    switch (http::field_id(name)) {
        case FieldId::content_length:
        case FieldId::content_range:
            return kind != Kind::whole;
        case FieldId::content_encoding:
        case FieldId::content_type:
            return kind == Kind::not_modified || kind == Kind::unsatisfiable;
        case FieldId::cache_control:
        case FieldId::cdn_cache_control:
        case FieldId::expires:
            return kind == Kind::unsatisfiable;  // about the response that is there
        case FieldId::other:
            return kind != Kind::whole && is_digest_of_content(name);
        default:
            return false;
    }
}

// Removes the next line from the front, and returns it with its CRLF.
std::string_view take_line(std::string_view& lines) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line =
        lines.substr(0, end == std::string_view::npos ? lines.size() : end + 2);
    lines.remove_prefix(line.size());
    return line;
}

void append_kept_lines(const ResponseForm& form, std::string_view lines,
                       std::span<const std::string> omit, std::string& out) {
    while (!lines.empty()) {
        const std::string_view line = take_line(lines);
        const std::string_view name = line.substr(0, line.find(':'));
        if (!drops(form.kind, name) && !lists(omit, name)) out.append(line);
    }
}

}  // namespace

std::string ResponseForm::content_range() const {
    std::string out;
    if (kind != Kind::partial && kind != Kind::unsatisfiable) return out;
    out = "bytes ";
    if (kind == Kind::partial) {
        out.append(std::to_string(range.first)).append("-").append(std::to_string(range.last));
    } else {
        out += '*';
    }
    out.append("/").append(std::to_string(whole_length));
    return out;
}

ResponseForm decide_form(const http::RequestHead& request, const ResponseFacts& response,
                         WallTime now) {
    if (evaluate_preconditions(request, response, now) == Precondition::not_modified)
        return {Kind::not_modified, 304, {}, 0, 0};
    const RangeDecision decision = decide_range(request, response);
    switch (decision.verdict) {
        case RangeVerdict::partial:
            return {Kind::partial, 206, decision.range, *response.length,
                    decision.range.last - decision.range.first + 1};
        case RangeVerdict::unsatisfiable:
            return {Kind::unsatisfiable, 416, {}, *response.length, 0};
        default:
            return {Kind::whole, response.status, {}, 0, response.length};
    }
}

std::string_view head_of_form(const ResponseForm& form, std::string_view lines,
                              std::span<const std::string> omit, std::string& storage) {
    if (form.kind == Kind::whole && omit.empty()) return lines;
    storage.clear();
    const std::string_view first_line = take_line(lines);
    storage.append(form.kind == Kind::whole ? first_line : status_line(form.kind));
    append_kept_lines(form, lines, omit, storage);
    if (form.kind == Kind::partial || form.kind == Kind::unsatisfiable) {
        storage.append("Content-Range: ").append(form.content_range());
        storage.append("\r\nContent-Length: ").append(std::to_string(form.length.value_or(0)));
        storage.append("\r\n");
    }
    return storage;
}

BodyWindow::BodyWindow(const ResponseForm& form) {
    if (!form.has_body()) end_ = 0;
    if (form.kind != Kind::partial) return;
    first_ = form.range.first;
    end_ = form.range.last + 1;
}

std::string_view BodyWindow::cut(std::string_view piece) {
    const std::uint64_t begin = position_;
    position_ += piece.size();
    const std::uint64_t from = std::max(first_, begin);
    const std::uint64_t to = std::min(end_, position_);
    if (from >= to) return {};
    return piece.substr(static_cast<std::size_t>(from - begin),
                        static_cast<std::size_t>(to - from));
}

}  // namespace larder::cache
