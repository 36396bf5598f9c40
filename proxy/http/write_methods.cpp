#include "http/write_methods.hpp"

#include <algorithm>
#include <array>

#include "base/percent.hpp"
#include "http/claims.hpp"
#include "http/lists.hpp"

namespace larder::http {
namespace {

constexpr std::string_view parameter_name = "_method";
constexpr std::size_t methods_max = 8;
// What a longer list counts as: no program sends one, and each name costs a look at all routes.
constexpr std::array<std::string_view, 4> usual_writes{"POST", "PUT", "PATCH", "DELETE"};

class Methods {
public:
    void add(std::string_view name) {
        if (is_full_ || name.size() > 32 || !is_token(name)) return;
        std::string upper(name);
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (has(upper)) return;
        is_full_ = names_.size() == methods_max;
        if (!is_full_) names_.push_back(std::move(upper));
        if (!is_full_) return;
        for (const std::string_view write : usual_writes)
            if (!has(write)) names_.emplace_back(write);
    }
    [[nodiscard]] std::vector<std::string> take() { return std::move(names_); }

private:
    [[nodiscard]] bool has(std::string_view name) const {
        return std::find(names_.begin(), names_.end(), name) != names_.end();
    }

    std::vector<std::string> names_;
    bool is_full_ = false;
};

std::string decoded(std::string_view text) {
    return percent_decoded(text).value_or(std::string(text));
}

// Of a query or a form. Frameworks part parameters at `&`, some at `;` too, and decode names.
void add_from_parameters(Methods& methods, std::string_view text) {
    const bool may_name_it = text.find(parameter_name) != std::string_view::npos ||
                             text.find('%') != std::string_view::npos;
    if (!may_name_it) return;
    while (!text.empty()) {
        const std::string_view parameter = text.substr(0, text.find_first_of("&;"));
        text.remove_prefix(std::min(text.size(), parameter.size() + 1));
        const std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos || equals > 3 * parameter_name.size()) continue;
        // A hit allocates nothing, so only a name that begins with an underscore is decoded.
        const std::string_view name = parameter.substr(0, equals);
        const bool may_be_it = name.starts_with('_') || name.starts_with("%5");
        if (!may_be_it || decoded(name) != parameter_name) continue;
        methods.add(decoded(parameter.substr(equals + 1)));
    }
}

bool is_form(const RequestHead& request) {
    const Field* const type = request.fields.first(FieldId::content_type);
    constexpr std::string_view form = "application/x-www-form-urlencoded";
    return type && iequals(type->value.substr(0, form.size()), form);
}

void add_from_texts(Methods& methods, const RequestHead& request) {
    if (request.has_query) add_from_parameters(methods, request.query);
    if (!request.body.empty() && is_form(request)) add_from_parameters(methods, request.body);
}

bool any_writes(const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return !is_safe(method_of(name)); });
}

}  // namespace

std::vector<std::string> overriding_methods(const RequestHead& request) {
    Methods methods;
    for (const Field& field : request.fields)
        if (may_claim(field) && claim_of(field) == Claim::method)
            for_each_member(field.value, [&](std::string_view name) { methods.add(name); });
    add_from_texts(methods, request);
    return methods.take();
}

bool asks_to_write_by_parameter(const RequestHead& request) {
    if (!request.has_query && request.body.empty()) return false;
    Methods methods;
    add_from_texts(methods, request);
    return any_writes(methods.take());
}

bool is_write(const RequestHead& request) {
    return !is_safe(request.method) || any_writes(overriding_methods(request));
}

}  // namespace larder::http
