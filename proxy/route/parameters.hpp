#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::route {

inline constexpr std::uint32_t unnamed_slot = UINT32_MAX;

/// One "name=value" of a query, raw.
struct Parameter {
    std::string_view name;
    std::string_view value;
    std::uint32_t slot;   ///< in the template's query_names, or unnamed_slot
    std::uint32_t order;  ///< as it came
    bool has_equals;
};

/// The parameters of one query, each with the slot of the placeholder that names it. Up to 32 need
/// no allocation. Empty pieces ("a=1&&b=2") are skipped. The views are valid as long as the query.
/// The object cannot be copied or moved.
class Parameters {
public:
    Parameters(std::string_view query, const std::vector<std::string>& names);
    Parameters(const Parameters&) = delete;
    Parameters& operator=(const Parameters&) = delete;

    /// Whether a name encodes a character that needs no encoding.
    [[nodiscard]] bool needless_encoding() const { return needless_encoding_; }

    [[nodiscard]] std::span<Parameter> all() { return {data_, count_}; }
    [[nodiscard]] std::span<const Parameter> all() const { return {data_, count_}; }

private:
    void add(const Parameter& parameter);

    static constexpr std::size_t near_max = 32;

    Parameter* near() { return reinterpret_cast<Parameter*>(near_); }

    alignas(Parameter) std::byte
        near_[near_max * sizeof(Parameter)];  // left uninitialised: most queries are short
    std::vector<Parameter> far_;
    Parameter* data_ = near();
    std::size_t count_ = 0;
    bool needless_encoding_ = false;
};

}  // namespace larder::route
