#include "http/max_forwards.hpp"

#include <algorithm>

namespace larder::http {

bool is_max_forwards(const Field& field) {
    return field.id == FieldId::other && iequals(field.name, "max-forwards");
}

MaxForwards max_forwards_of(const RequestHead& request) {
    using Kind = MaxForwards::Kind;
    if (request.method != Method::options && request.method != Method::trace) return {};
    MaxForwards out;
    for (const Field& field : request.fields) {
        if (!is_max_forwards(field)) continue;
        const bool is_number =
            !field.value.empty() && std::all_of(field.value.begin(), field.value.end(), is_digit);
        if (!is_number || out.kind != Kind::unlimited) return {Kind::malformed, 0};
        // RFC 9110, 7.6.2, allows to lower a number beyond 64 bits to our own maximum.
        const std::uint64_t hops = parse_decimal(field.value).value_or(UINT64_MAX);
        out = hops == 0 ? MaxForwards{Kind::ends_here, 0} : MaxForwards{Kind::goes_on, hops - 1};
    }
    return out;
}

}  // namespace larder::http
