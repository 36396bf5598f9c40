#include "route/offline_request.hpp"

#include <algorithm>

#include "http/target_uri.hpp"
#include "route/purges.hpp"

namespace larder::route {
namespace {

// Cuts "http://host" off a URL; what remains is the target.
std::string_view take_host(std::string_view& url, bool& https) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!iequals(url.substr(0, scheme.size()), scheme)) continue;
        https = scheme.size() == 8;
        const std::string_view rest = url.substr(scheme.size());
        const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
        url = rest.substr(end);
        return rest.substr(0, end);
    }
    return {};
}

}  // namespace

std::optional<OfflineRequest> OfflineRequest::make(std::string_view method, std::string_view url,
                                                   std::string_view host, const HeaderList& headers,
                                                   std::string_view body) {
    OfflineRequest made;
    Owned& owned = *made.owned_;
    owned.headers = headers;
    for (const auto& [name, value] : owned.headers) {
        owned.fields.push_back({name, value, http::field_id(name)});
        if (owned.fields.back().id == http::FieldId::host) host = value;
    }
    const std::string_view own_host = take_host(url, owned.head.peer_tls);
    if (!own_host.empty()) host = own_host;
    url = url.substr(0, url.find('#'));
    owned.target = url.empty() || url.front() == '?' ? "/" + std::string(url) : std::string(url);
    if (owned.target.front() != '/') return std::nullopt;
    owned.method = method;
    owned.host = host;
    owned.body = body;
    owned.head.body = owned.body;
    if (!body.empty()) owned.head.framing = http::Framing::length;
    owned.head.content_length = body.size();
    owned.head.method = http::method_of(owned.method);
    owned.head.method_name = owned.method;
    owned.head.host = owned.host;
    owned.head.fields = http::Fields(owned.fields);
    split_target(owned.target, owned.head);
    http::set_target_uri(owned.head);
    return made;
}

}  // namespace larder::route
