#include "http/hop_by_hop.hpp"

#include <algorithm>

#include "http/lists.hpp"

namespace larder::http {
namespace {

bool less_without_case(std::string_view a, std::string_view b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return to_lower(x) < to_lower(y); });
}

}  // namespace

bool is_end_to_end(FieldId id) {
    switch (id) {
        case FieldId::other:
        case FieldId::connection:
        case FieldId::expect:
        case FieldId::keep_alive:
        case FieldId::proxy_authenticate:
        case FieldId::proxy_authorization:
        case FieldId::proxy_connection:
        case FieldId::te:
        case FieldId::trailer:
        case FieldId::transfer_encoding:
        case FieldId::upgrade:
        case FieldId::x_cache:
        case FieldId::x_http_method_override:
        case FieldId::x_original_url:
        case FieldId::x_rewrite_url:
            return false;
        default:
            return true;
    }
}

bool is_hop_by_hop(FieldId id) {
    switch (id) {
        case FieldId::connection:
        case FieldId::keep_alive:
        case FieldId::proxy_connection:
        case FieldId::te:
        case FieldId::trailer:
        case FieldId::transfer_encoding:
        case FieldId::upgrade:
            return true;
        default:
            return false;
    }
}

bool is_proxy_specific(const Field& field) {
    return field.id == FieldId::proxy_authenticate || field.id == FieldId::proxy_authorization ||
           (field.id == FieldId::other && iequals(field.name, "proxy-authentication-info"));
}

bool ConnectionOptions::names(FieldId id, std::string_view name) const {
    if (id != FieldId::other) return known_.test(static_cast<std::size_t>(id));
    return !others_.empty() &&
           std::binary_search(others_.begin(), others_.end(), name, less_without_case);
}

ConnectionOptions parse_connection(const Fields& fields) {
    ConnectionOptions out;
    if (!fields.has(FieldId::connection)) return out;
    out.names_fields_ = true;
    for (const Field& line : fields) {
        if (line.id != FieldId::connection) continue;
        for_each_member(line.value, [&](std::string_view option) {
            if (iequals(option, "close")) {
                out.close = true;
            } else if (iequals(option, "keep-alive")) {
                out.keep_alive = true;
                out.known_.set(static_cast<std::size_t>(FieldId::keep_alive));
            } else if (const FieldId id = field_id(option); id == FieldId::other) {
                out.others_.push_back(option);
            } else if (!is_end_to_end(id)) {
                out.upgrade = out.upgrade || id == FieldId::upgrade;
                out.known_.set(static_cast<std::size_t>(id));
            }
        });
    }
    std::sort(out.others_.begin(), out.others_.end(), less_without_case);
    return out;
}

}  // namespace larder::http
