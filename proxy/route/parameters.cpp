#include "route/parameters.hpp"

#include <algorithm>
#include <memory>

#include "route/percent.hpp"

namespace larder::route {
namespace {

std::uint32_t slot_of(std::string_view name, const std::vector<std::string>& names) {
    for (std::size_t slot = 0; slot < names.size(); ++slot)
        if (decodes_to(name, names[slot])) return static_cast<std::uint32_t>(slot);
    return unnamed_slot;
}

}  // namespace

Parameters::Parameters(std::string_view query, const std::vector<std::string>& names) {
    const bool encoded = query.find('%') != std::string_view::npos;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view piece = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (piece.empty()) continue;
        const std::size_t equals = std::min(piece.find('='), piece.size());
        const std::string_view name = piece.substr(0, equals);
        const bool has_equals = equals < piece.size();
        needless_encoding_ = needless_encoding_ || (encoded && has_needless_encoding(name));
        add({name, has_equals ? piece.substr(equals + 1) : std::string_view{}, slot_of(name, names),
             static_cast<std::uint32_t>(count_), has_equals});
    }
}

void Parameters::add(const Parameter& parameter) {
    if (far_.empty() && count_ < near_max) {
        std::construct_at(near() + count_++, parameter);
        return;
    }
    if (far_.empty()) far_.assign(near(), near() + count_);
    far_.push_back(parameter);
    data_ = far_.data();
    count_ = far_.size();
}

}  // namespace larder::route
