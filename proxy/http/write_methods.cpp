#include "http/write_methods.hpp"

#include <algorithm>

#include "http/claims.hpp"
#include "http/lists.hpp"

namespace larder::http {
namespace {

constexpr std::string_view query_parameter = "_method=";

void add(std::vector<std::string>& methods, std::string_view name) {
    if (!is_token(name) || name.size() > 32) return;
    std::string upper(name);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (std::find(methods.begin(), methods.end(), upper) == methods.end())
        methods.push_back(std::move(upper));
}

void add_from_query(std::vector<std::string>& methods, std::string_view query) {
    for (std::size_t at = query.find(query_parameter); at != std::string_view::npos;
         at = query.find(query_parameter, at + 1)) {
        if (at > 0 && query[at - 1] != '&') continue;
        const std::string_view rest = query.substr(at + query_parameter.size());
        add(methods, rest.substr(0, rest.find('&')));
    }
}

}  // namespace

std::vector<std::string> overriding_methods(const RequestHead& request) {
    std::vector<std::string> methods;
    for (const Field& field : request.fields)
        if (may_claim(field) && claim_of(field) == Claim::method)
            for_each_member(field.value, [&](std::string_view name) { add(methods, name); });
    if (request.has_query) add_from_query(methods, request.query);
    return methods;
}

bool is_write(const RequestHead& request) {
    if (!is_safe(request.method)) return true;
    const std::vector<std::string> methods = overriding_methods(request);
    return std::any_of(methods.begin(), methods.end(),
                       [](const std::string& name) { return !is_safe(method_of(name)); });
}

}  // namespace larder::http
