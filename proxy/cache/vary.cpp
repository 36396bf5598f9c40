#include "cache/vary.hpp"

#include <algorithm>
#include <array>

#include "base/percent.hpp"
#include "base/sha256.hpp"
#include "http/claims.hpp"
#include "http/lists.hpp"

// A variant is written as `host;name=value;name=value`, an absent field as `name` alone. A scheme
// other than http stands in front, as `https=`. Names are sorted; scheme, host and values are
// escaped, so that two requests share a text only where they agree on all of it.
namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t variant_bytes_max = 256;
constexpr std::size_t variant_bytes_kept = 96;  // in front of the digest of a long one

// Printable, and without a meaning of its own in a variant, a Redis pattern or an escape.
constexpr auto plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x21; byte < 0x7f; ++byte) plain[byte] = true;
    for (char c : std::string_view(";=%~\"\\*?")) plain[static_cast<unsigned char>(c)] = false;
    return plain;
}();

void append_escaped(std::string_view text, std::string& out) {
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (plain_bytes[byte]) continue;
        out.append(text.substr(start, at - start));
        append_percent(out, byte);
        start = at + 1;
    }
    out.append(text.substr(start));
}

void append_lower_escaped(std::string_view text, std::string& out) {
    const std::size_t start = out.size();
    append_escaped(text, out);
    for (std::size_t i = start; i < out.size(); ++i) out[i] = to_lower(out[i]);
}

// Whether a weight (";q=0.5") is zero. Anything unreadable counts as not zero.
bool weight_is_zero(std::string_view parameters) {
    const std::size_t q = parameters.find_first_of("qQ");
    if (q == std::string_view::npos) return false;
    std::string_view weight = trim_ows(parameters.substr(q + 1));
    if (!weight.starts_with('=')) return false;
    weight = trim_ows(weight.substr(1));
    return weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
}

// RFC 9110, 8.4.1.3.
std::string_view known_by_another_name(std::string_view coding) {
    if (iequals(coding, "x-gzip")) return "gzip";
    return iequals(coding, "x-compress") ? "compress" : coding;
}

// The place among AcceptedCodings::names, or their number.
std::size_t index_of(std::string_view coding) {
    std::size_t at = 0;
    while (at < AcceptedCodings::names.size() && !iequals(coding, AcceptedCodings::names[at])) ++at;
    return at;
}

bool is_other(std::string_view coding) {
    return coding != "*" && !iequals(coding, "identity") &&
           index_of(coding) == AcceptedCodings::names.size();
}

// Calls `use(coding, accepted)` for each member of Accept-Encoding.
template <class Use>
void for_each_coding(const http::Fields& fields, Use use) {
    for (const http::Field& line : fields) {
        if (line.id != FieldId::accept_encoding) continue;
        http::for_each_member(line.value, [&](std::string_view member) {
            const std::size_t semicolon = std::min(member.find(';'), member.size());
            const std::string_view coding = trim_ows(member.substr(0, semicolon));
            use(known_by_another_name(coding), !weight_is_zero(member.substr(semicolon)));
        });
    }
}

// Fields that are lists by their definition, so that empty members mean nothing (RFC 9110, 5.6.1).
bool is_list(FieldId id, std::string_view name) {
    return id == FieldId::accept || name == "accept-language" || name == "accept-charset";
}

// Fields whose value is one text, in which a comma is a character like others.
bool is_one_text(std::string_view name) {
    static constexpr std::array<std::string_view, 5> names{"authorization", "cookie", "origin",
                                                           "referer", "user-agent"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Stands between the lines of one text, and before a line of another spelling: no value holds a
// line feed.
constexpr std::string_view next_line = "%0A";

// The value without the white space around its commas (RFC 9111, 4.1). The commas stay: an origin
// that takes the value for one text answers otherwise where one more is there.
void append_without_blanks(std::string_view value, std::string& out) {
    const char* at = value.data();
    const auto append_commas = [&](const char* to) {
        out.append(static_cast<std::size_t>(std::count(at, to, ',')), ',');
    };
    http::for_each_member(value, [&](std::string_view member) {
        append_commas(member.data());
        append_escaped(member, out);
        at = member.data() + member.size();
    });
    append_commas(value.data() + value.size());
}

// For a field that larder changes on the way to the origin (flow/forward_heads): appends the value
// that the origin sees, because the origin chooses its answer by that. False: `name` is no such
// field.
bool append_rewritten(const http::RequestHead& request, std::string_view name, FieldId id,
                      std::string& out) {
    const auto add = [&](std::string_view value) {
        out.push_back('=');
        append_escaped(value, out);
    };
    switch (id) {
        case FieldId::x_forwarded_for:
            out.push_back('=');
            for (const http::Field& line : request.fields) {
                if (!request.peer_trusted || line.id != id || line.value.empty()) continue;
                append_escaped(line.value, out);
                out.push_back(',');
            }
            append_escaped(request.peer, out);
            return true;
        case FieldId::x_forwarded_proto:
        case FieldId::x_forwarded_host:
            if (request.peer_trusted && request.fields.has(id)) return false;
            add(id == FieldId::x_forwarded_host ? request.authority : request.scheme);
            return true;
        case FieldId::if_none_match:  // a fetch for the cache asks for the whole, without the
                                      // client's conditions
        case FieldId::if_modified_since:
        case FieldId::if_range:
        case FieldId::range:
            return true;
        default:
            return http::is_dropped({name, {}, id}, request.peer_trusted);
    }
}

void append_value(const http::RequestHead& request, std::string_view name, std::string& out) {
    if (name == "host") {
        out.push_back('=');
        return append_lower_escaped(request.host, out);
    }
    if (name == "accept-encoding") {
        const AcceptedCodings accepted = accepted_codings(request.fields);
        if (!accepted.stated) return;
        out.push_back('=');
        return append_codings(request.fields, accepted, out);
    }
    const FieldId id = http::field_id(name);
    if (!request.peer.empty() && append_rewritten(request, name, id, out)) return;
    // Language ranges have no case (RFC 4647, 2); their order may matter to the origin and stays.
    const bool is_language = name == "accept-language";
    const bool one_text = is_one_text(name);
    const bool list = is_list(id, name);
    bool first = true;
    const auto begin_next = [&](std::string_view between) {
        out.append(first ? "=" : between);
        first = false;
    };
    for (const http::Field& line : request.fields) {
        if (line.id != id || (id == FieldId::other && !iequals(line.name, name))) continue;
        if (one_text) {
            begin_next(next_line);
            append_escaped(line.value, out);
        } else if (!list) {
            begin_next(",");  // lines of one name may be combined (RFC 9110, 5.3)
            append_without_blanks(line.value, out);
        } else {
            begin_next(",");
            bool first_member = true;
            http::for_each_member(line.value, [&](std::string_view member) {
                if (!first_member) out.push_back(',');
                first_member = false;
                is_language ? append_lower_escaped(member, out) : append_escaped(member, out);
            });
        }
    }
}

// Lines that CGI-like interfaces take for the field: the origin may choose its answer by them.
void append_aliases(const http::RequestHead& request, std::string_view name, std::string& out) {
    for (const http::Field& line : request.fields) {
        if (!http::is_alias(line, name) || http::is_dropped(line, request.peer_trusted)) continue;
        out.append(next_line).append(next_line);
        append_escaped(line.value, out);
    }
}

std::string unescaped(std::string_view text) {
    return percent_decoded(text).value_or(std::string(text));
}

void shorten(std::string& out) {
    if (out.size() <= variant_bytes_max) return;
    std::string digest;
    append_sha256(digest, out);
    out.resize(variant_bytes_kept);
    out.append("~").append(digest);
}

}  // namespace

void append_codings(const http::Fields& fields, const AcceptedCodings& accepted, std::string& out) {
    for (std::size_t i = 0; i < accepted.names.size(); ++i) {
        if (!accepted.accepts[i]) continue;
        out.append(accepted.names[i]);
        out.push_back('+');
    }
    out.append(accepted.identity ? "identity" : "only");
    if (accepted.any) out.append("+*");
    if (!accepted.names_others) return;
    std::vector<std::string> others;
    for_each_coding(fields, [&](std::string_view coding, bool is_accepted) {
        if (is_other(coding) && is_accepted != accepted.any)
            others.push_back(to_lower_copy(coding));
    });
    std::sort(others.begin(), others.end());
    others.erase(std::unique(others.begin(), others.end()), others.end());
    for (const std::string& other : others) {
        out.push_back(accepted.any ? '-' : '+');
        append_escaped(other, out);
    }
}

bool accepts_coding_named(const http::Fields& fields, const AcceptedCodings& accepted,
                          std::string_view coding) {
    coding = known_by_another_name(coding);
    for (std::size_t i = 0; i < accepted.names.size(); ++i)
        if (iequals(coding, accepted.names[i])) return accepted.accepts[i];
    if (iequals(coding, "identity")) return accepted.identity;
    bool found = accepted.any;
    for_each_coding(fields, [&](std::string_view named, bool is_accepted) {
        if (iequals(named, coding)) found = is_accepted;
    });
    return found;
}

AcceptedCodings accepted_codings(const http::Fields& fields) {
    AcceptedCodings out;
    std::array<std::optional<bool>, AcceptedCodings::names.size()> said{};
    std::optional<bool> identity;
    std::optional<bool> rest;
    for (const http::Field& line : fields)
        out.stated = out.stated || line.id == FieldId::accept_encoding;
    for_each_coding(fields, [&](std::string_view coding, bool accepted) {
        if (coding == "*") {
            rest = accepted;
        } else if (iequals(coding, "identity")) {
            identity = accepted;
        } else if (const std::size_t known = index_of(coding); known < said.size()) {
            said[known] = accepted;
        } else {
            out.names_others = true;
        }
    });
    out.any = rest.value_or(false);
    for (std::size_t i = 0; i < said.size(); ++i) out.accepts[i] = said[i].value_or(out.any);
    out.identity = identity.value_or(rest.value_or(true));
    return out;
}

std::optional<std::vector<std::string>> vary_names(const http::Fields& fields, Detail& reason) {
    std::vector<std::string> names;
    for (const http::Field& line : fields) {
        if (line.id != FieldId::vary) continue;
        http::for_each_member(line.value, [&](std::string_view member) {
            if (reason != Detail::none) return;
            const auto same = [&](const std::string& name) { return iequals(name, member); };
            if (std::any_of(names.begin(), names.end(), same)) return;
            // A member that is no field name can match no request, like "*".
            if (member == "*" || !http::is_token(member)) reason = Detail::vary_star;
            if (names.size() == vary_names_max) reason = Detail::vary_limit;
            names.push_back(to_lower_copy(member));
        });
    }
    if (reason != Detail::none) return std::nullopt;
    std::sort(names.begin(), names.end());
    return names;
}

namespace {

void write_variant(const http::RequestHead& request, NameList vary, bool with_host,
                   std::string& out) {
    out.clear();
    if (!request.scheme.empty() && !iequals(request.scheme, "http")) {
        append_lower_escaped(request.scheme, out);
        out.push_back('=');
    }
    if (with_host) append_lower_escaped(request.authority, out);
    for (const std::string_view name : vary) {
        out.push_back(';');
        out.append(name);
        append_value(request, name, out);
        append_aliases(request, name, out);
    }
    shorten(out);
}

}  // namespace

const std::string& target_variant(const http::RequestHead& request, bool with_host) {
    struct Known {
        std::string scheme;
        std::string authority;
        std::string text;  // of no scheme and no authority: nothing
    };
    thread_local Known known;
    const std::string_view authority = with_host ? request.authority : std::string_view{};
    if (authority != known.authority || request.scheme != known.scheme) {
        write_variant(request, {}, with_host, known.text);
        known.authority = authority;
        known.scheme = request.scheme;
    }
    return known.text;
}

void build_variant(const http::RequestHead& request, NameList vary, bool with_host,
                   std::string& out) {
    if (vary.empty()) {
        out = target_variant(request, with_host);
    } else {
        write_variant(request, vary, with_host, out);
    }
}

VariantTarget target_of_variant(std::string_view variant) {
    const std::string_view escaped = variant.substr(0, variant.find(';'));
    if (escaped.find('~') != std::string_view::npos) return {};  // shortened
    const std::size_t equals = escaped.find('=');
    if (equals == std::string_view::npos) return {"http", unescaped(escaped)};
    return {unescaped(escaped.substr(0, equals)), unescaped(escaped.substr(equals + 1))};
}

bool accepts_coding_of(const http::RequestHead& request, const StoredResponse& stored) {
    const AcceptedCodings accepted = accepted_codings(request.fields);
    // A request without the field accepts any coding (RFC 9110, 12.5.3). But the client is sure to
    // understand only a coding that the origin itself chose for such requests. The variant shows
    // that it did, where the variant covers the field.
    if (!accepted.stated && stored.vary().contains("accept-encoding")) return true;
    bool all = true;
    http::for_each_member(stored.content_encoding(), [&](std::string_view coding) {
        all = all && accepts_coding_named(request.fields, accepted, coding);
    });
    return all;
}

}  // namespace larder::cache
