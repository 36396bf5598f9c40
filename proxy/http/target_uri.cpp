#include "http/target_uri.hpp"

namespace larder::http {
namespace {

std::string_view without_quotes(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        return text.substr(1, text.size() - 2);
    return text;
}

/// The fields of a trusted peer that name a scheme or an authority.
struct Said {
    const Field* proto = nullptr;
    const Field* host = nullptr;
    const Field* forwarded = nullptr;
    bool repeated = false;
};

Said said_by_peer(const Fields& fields) {
    Said said;
    const auto note = [&said](const Field*& kept, const Field& line) {
        said.repeated = said.repeated || kept;
        if (!kept) kept = &line;
    };
    for (const Field& line : fields) {
        if (line.id == FieldId::x_forwarded_proto) note(said.proto, line);
        if (line.id == FieldId::x_forwarded_host) note(said.host, line);
        if (line.id == FieldId::forwarded && !said.forwarded) said.forwarded = &line;
    }
    return said;
}

bool differs(const Field* field, std::string_view other) {
    return field && !other.empty() && !iequals(field->value, other);
}

}  // namespace

std::string_view forwarded_parameter(std::string_view forwarded, std::string_view name) {
    std::string_view element = forwarded.substr(0, forwarded.find(','));
    while (!element.empty()) {
        const std::size_t end = std::min(element.find(';'), element.size());
        const std::string_view pair = trim_ows(element.substr(0, end));
        element.remove_prefix(std::min(end + 1, element.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || !iequals(pair.substr(0, equals), name)) continue;
        return without_quotes(pair.substr(equals + 1));
    }
    return {};
}

void set_target_uri(RequestHead& request) {
    request.scheme = request.peer_tls ? "https" : "http";
    request.authority = request.host;
    if (!request.peer_trusted) return;
    const Said said = said_by_peer(request.fields);
    if (said.forwarded) {
        const std::string_view proto = forwarded_parameter(said.forwarded->value, "proto");
        const std::string_view host = forwarded_parameter(said.forwarded->value, "host");
        if (!proto.empty()) request.scheme = proto;
        if (!host.empty()) request.authority = host;
    }
    if (said.proto) request.scheme = said.proto->value;
    if (said.host) request.authority = said.host->value;
}

bool is_target_uri_ambiguous(const RequestHead& request) {
    if (!request.peer_trusted) return false;
    const Said said = said_by_peer(request.fields);
    if (said.repeated) return true;
    if (!said.forwarded) return false;
    return differs(said.proto, forwarded_parameter(said.forwarded->value, "proto")) ||
           differs(said.host, forwarded_parameter(said.forwarded->value, "host"));
}

bool is_https(const RequestHead& request) {
    const std::string_view scheme = request.scheme.substr(0, request.scheme.find(','));
    return iequals(trim_ows(scheme), "https");
}

}  // namespace larder::http
