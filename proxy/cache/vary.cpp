#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "cache/decisions.hpp"
#include "cache/vary.hpp"
#include "http/claims.hpp"
#include "http/lists.hpp"

/// A variant is written as `host;name=value;name=value`, an absent field as `name` alone. Names come sorted; host and
/// values are escaped, so that two requests share a text only where they agree on all of it.
namespace larder::cache {
namespace {

using http::FieldId;

constexpr std::size_t variant_bytes_max = 256;
constexpr std::size_t variant_bytes_kept = 96;  // in front of the digest of a long one

/// Printable, and without a meaning of its own in a variant, a Redis pattern or an escape.
constexpr auto plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x21; byte < 0x7f; ++byte) plain[byte] = true;
    for (char c : std::string_view(";=%~\"\\*?")) plain[static_cast<unsigned char>(c)] = false;
    return plain;
}();

void append_escaped(std::string_view text, std::string& out) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (plain_bytes[byte]) continue;
        out.append(text.substr(start, at - start));
        out.push_back('%');
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
        start = at + 1;
    }
    out.append(text.substr(start));
}

void append_lower_escaped(std::string_view text, std::string& out) {
    const std::size_t start = out.size();
    append_escaped(text, out);
    for (std::size_t i = start; i < out.size(); ++i) out[i] = to_lower(out[i]);
}

/// Whether a weight (";q=0.5") is zero. Anything unreadable counts as not zero.
bool weight_is_zero(std::string_view parameters) {
    const std::size_t q = parameters.find_first_of("qQ");
    if (q == std::string_view::npos) return false;
    std::string_view weight = trim_ows(parameters.substr(q + 1));
    if (!weight.starts_with('=')) return false;
    weight = trim_ows(weight.substr(1));
    return weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
}

bool may_reorder_white_space(std::string_view name) { return name != "cookie" && name != "authorization"; }

/// Fields that the origin sees otherwise than they came (flow/forward_heads): the answer was chosen by what it saw. False:
/// `name` is none of them.
bool append_rewritten(const http::RequestHead& request, std::string_view name, FieldId id, std::string& out) {
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
            if (id == FieldId::x_forwarded_host) {
                add(request.host);
            } else {
                add(request.peer_tls ? "https" : "http");
            }
            return true;
        case FieldId::if_none_match:  // a fetch for the cache asks for the whole, without conditions of the client's
        case FieldId::if_modified_since:
        case FieldId::if_range:
        case FieldId::range: return true;
        default: return http::is_dropped({name, {}, id}, request.peer_trusted);
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
        return accepted.append_to(out);
    }
    const bool is_language = name == "accept-language";
    const FieldId id = http::field_id(name);
    if (!request.peer.empty() && append_rewritten(request, name, id, out)) return;
    bool first = true;
    const auto add = [&](std::string_view member) {
        out.push_back(first ? '=' : ',');
        first = false;
        // Language ranges have no case (RFC 4647, 2); their order may matter to the origin and stays.
        is_language ? append_lower_escaped(member, out) : append_escaped(member, out);
    };
    for (const http::Field& line : request.fields) {
        if (line.id != id || (id == FieldId::other && !iequals(line.name, name))) continue;
        const std::size_t before = out.size();
        if (may_reorder_white_space(name)) {
            http::for_each_member(line.value, add);
            if (out.size() != before) continue;
        }
        add(line.value);
    }
}

void shorten(std::string& out) {
    if (out.size() <= variant_bytes_max) return;
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(out.data()), out.size(), digest.data());
    constexpr std::string_view digits = "0123456789abcdef";
    out.resize(variant_bytes_kept);
    out.push_back('~');
    for (unsigned char byte : digest) {
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
    }
}

}  // namespace

void AcceptedCodings::append_to(std::string& out) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!accepts[i]) continue;
        out.append(names[i]);
        out.push_back('+');
    }
    out.append(identity ? "identity" : "only");
}

bool AcceptedCodings::allows(std::string_view coding) const {
    if (iequals(coding, "x-gzip")) coding = "gzip";
    for (std::size_t i = 0; i < names.size(); ++i)
        if (iequals(coding, names[i])) return accepts[i];
    return true;
}

AcceptedCodings accepted_codings(const http::Fields& fields) {
    AcceptedCodings out;
    std::array<std::optional<bool>, AcceptedCodings::names.size()> said{};
    std::optional<bool> identity;
    std::optional<bool> rest;
    for (const http::Field& line : fields) {
        if (line.id != FieldId::accept_encoding) continue;
        out.stated = true;
        http::for_each_member(line.value, [&](std::string_view member) {
            const std::size_t semicolon = std::min(member.find(';'), member.size());
            std::string_view coding = trim_ows(member.substr(0, semicolon));
            const bool accepted = !weight_is_zero(member.substr(semicolon));
            if (iequals(coding, "x-gzip")) coding = "gzip";
            if (coding == "*") rest = accepted;
            if (iequals(coding, "identity")) identity = accepted;
            for (std::size_t i = 0; i < said.size(); ++i)
                if (iequals(coding, AcceptedCodings::names[i])) said[i] = accepted;
        });
    }
    for (std::size_t i = 0; i < said.size(); ++i) out.accepts[i] = said[i].value_or(rest.value_or(false));
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
            // What cannot be a field name can match no request, as "*" cannot.
            if (member == "*" || !http::is_token(member)) reason = Detail::vary_star;
            if (names.size() == vary_names_max) reason = Detail::vary_limit;
            names.push_back(to_lower_copy(member));
        });
    }
    if (reason != Detail::none) return std::nullopt;
    std::sort(names.begin(), names.end());
    return names;
}

void build_variant(const http::RequestHead& request, const std::vector<std::string>& vary, bool with_host,
                   std::string& out) {
    out.clear();
    if (with_host) append_lower_escaped(request.host, out);
    for (const std::string& name : vary) {
        out.push_back(';');
        out.append(name);
        append_value(request, name, out);
    }
    shorten(out);
}

std::string host_of_variant(std::string_view variant) {
    const std::size_t end = variant.find(';');
    const std::string_view escaped = variant.substr(0, end);
    if (escaped.find('~') != std::string_view::npos) return {};  // shortened
    const auto digit = [](char c) { return is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10; };
    std::string host;
    for (std::size_t at = 0; at < escaped.size(); ++at) {
        const bool is_escape = escaped[at] == '%' && at + 2 < escaped.size();
        host.push_back(is_escape ? static_cast<char>(digit(escaped[at + 1]) * 16 + digit(escaped[at + 2])) : escaped[at]);
        if (is_escape) at += 2;
    }
    return host;
}

bool accepts_coding(const http::RequestHead& request, const StoredResponse& stored) {
    if (stored.content_encoding.empty()) return true;
    const AcceptedCodings accepted = accepted_codings(request.fields);
    // Without the field any coding would do (RFC 9110, 12.5.3), but only what the origin itself chose for such requests
    // is sure to be understood: that is what the variant says, where it covers the field.
    if (!accepted.stated && std::binary_search(stored.vary.begin(), stored.vary.end(), "accept-encoding")) return true;
    bool all = true;
    http::for_each_member(stored.content_encoding, [&](std::string_view coding) { all = all && accepted.allows(coding); });
    return all;
}

}  // namespace larder::cache
