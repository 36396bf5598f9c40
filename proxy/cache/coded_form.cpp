#include "cache/coded_form.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cache/client_head.hpp"
#include "cache/stored_head.hpp"
#include "cache/vary.hpp"
#include "http/lists.hpp"

namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t worth_bytes = 1024;

bool is_text(std::string_view value) {
    const std::string type = to_lower_copy(trim_ows(value.substr(0, value.find(';'))));
    static constexpr std::array<std::string_view, 8> texts{
        "application/json",       "application/xml",
        "application/javascript", "application/yaml",
        "application/x-ndjson",   "application/x-javascript",
        "application/graphql",    "application/x-www-form-urlencoded"};
    return (type.starts_with("text/") && type != "text/event-stream") || type.ends_with("+json") ||
           type.ends_with("+xml") || std::find(texts.begin(), texts.end(), type) != texts.end();
}

bool forbids_transforming(const http::Fields& fields) {
    return std::any_of(fields.begin(), fields.end(), [](const http::Field& line) {
        return line.id == FieldId::cache_control && http::has_member(line.value, "no-transform");
    });
}

// What is about the bytes of the uncoded form (digests: RFC 9530, RFC 3230, RFC 1864).
bool is_of_other_bytes(const http::Field& line) {
    static constexpr std::array<std::string_view, 5> names{"accept-ranges", "content-digest",
                                                           "repr-digest", "digest", "content-md5"};
    return line.id == FieldId::content_length ||
           std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return iequals(line.name, name); });
}

// RFC 9110, 8.8.3.3: another representation needs another strong tag. A weak tag stays: it says
// that both mean the same, and they do.
std::string tag_of_form(std::string_view etag, std::string_view coding) {
    std::string tag(etag);
    if (etag.size() < 2 || etag.front() != '"') return tag;
    tag.pop_back();
    tag.append("-").append(coding).append("\"");
    return tag;
}

}  // namespace

std::string_view to_token(settings::Coding coding) {
    switch (coding) {
        case settings::Coding::zstd:
            return "zstd";
        case settings::Coding::br:
            return "br";
        case settings::Coding::gzip:
            return "gzip";
    }
    return {};
}

bool may_be_coded(int status, const http::Fields& fields, std::optional<std::uint64_t> length) {
    return status == 200 && length.value_or(worth_bytes) >= worth_bytes &&
           !fields.has(FieldId::content_encoding) && is_text(fields.value(FieldId::content_type)) &&
           !forbids_transforming(fields);
}

bool may_be_coded(const StoredResponse& entry) {
    std::vector<http::Field> lines;
    origin_fields(entry, lines);
    return may_be_coded(entry.status(), http::Fields(lines), entry.body().size());
}

Stored coded_form(const StoredResponse& entry, settings::Coding coding, std::string body) {
    Draft form;
    form.status = entry.status();
    form.freshness = entry.freshness();
    form.etag = tag_of_form(entry.etag(), to_token(coding));
    form.last_modified = entry.last_modified();
    form.content_encoding = to_token(coding);
    form.body = std::move(body);
    const std::string_view head = entry.head();
    std::vector<http::Field> lines;
    parse_stored_head(head, lines);
    form.head = head.substr(0, head.find("\r\n") + 2);
    const auto add = [&form](std::string_view name, std::string_view value) {
        form.head.append(name).append(": ").append(value).append("\r\n");
    };
    for (const http::Field& line : lines) {
        if (is_of_other_bytes(line)) continue;
        add(line.name, line.id == FieldId::etag ? std::string_view(form.etag) : line.value);
    }
    add("Content-Encoding", form.content_encoding);
    add("Content-Length", std::to_string(form.body.size()));
    return make_stored(form);
}

Stored with_coded_forms(const StoredResponse& entry, std::vector<Stored> forms) {
    Stored out = make_stored(parts_of(entry), forms);
    out->hits().store(entry.hits().load(std::memory_order_relaxed), std::memory_order_relaxed);
    return out;
}

std::string with_uncoded_tags(std::string_view if_match) {
    std::string out(if_match);
    http::for_each_member(if_match, [&](std::string_view tag) {
        for (const auto coding :
             {settings::Coding::zstd, settings::Coding::br, settings::Coding::gzip}) {
            const std::string mark = "-" + std::string(to_token(coding)) + "\"";
            if (!tag.starts_with('"') || !tag.ends_with(mark)) continue;
            out.append(", ").append(tag.substr(0, tag.size() - mark.size())).append("\"");
        }
    });
    return out;
}

const StoredResponse& form_for(const http::RequestHead& request, const StoredResponse& entry) {
    if (!entry.has_coded() || request.fields.has(FieldId::range)) return entry;
    const AcceptedCodings accepted = accepted_codings(request.fields);
    if (!accepted.stated || forbids_transforming(request.fields)) return entry;
    for (std::size_t i = 0; i < entry.coded_count(); ++i) {
        const StoredResponse& form = entry.coded(i);
        if (accepts_coding_named(request.fields, accepted, form.content_encoding())) return form;
    }
    return entry;
}

bool count_hit(const StoredResponse& entry) {
    constexpr std::uint8_t enough = 2;
    if (entry.hits().load(std::memory_order_relaxed) >= enough) return false;
    return entry.hits().fetch_add(1, std::memory_order_relaxed) + 1 == enough;
}

}  // namespace larder::cache
