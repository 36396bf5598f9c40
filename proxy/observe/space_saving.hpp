#pragma once
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index_container.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::observe {

/// One key and how much it weighs.
struct RankedKey {
    std::string key;
    std::string route;
    std::uint64_t value = 0;
    std::uint64_t error = 0;  ///< the value may be wrong by this much, at most
};

/// The heaviest keys of a stream in bounded memory: Space-Saving (Metwally, Agrawal and El Abbadi,
/// 2005). Each key that weighs more than total / capacity is among them. When the table is full, a
/// new key replaces the lightest one, and takes over its weight as a possible error.
class SpaceSaving {
public:
    explicit SpaceSaving(std::size_t capacity) : capacity_(capacity) {}

    void add(std::string_view key, std::string_view route, std::uint64_t weight);
    /// By value, the lightest first.
    [[nodiscard]] std::vector<RankedKey> all() const;
    /// The weight that a key outside of the table has at most.
    [[nodiscard]] std::uint64_t weight_of_others() const;

private:
    struct OfText {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using ByKey = boost::multi_index::hashed_unique<
        boost::multi_index::member<RankedKey, std::string, &RankedKey::key>, OfText,
        std::equal_to<>>;
    using ByValue = boost::multi_index::ordered_non_unique<
        boost::multi_index::member<RankedKey, std::uint64_t, &RankedKey::value>>;
    using Table =
        boost::multi_index_container<RankedKey, boost::multi_index::indexed_by<ByKey, ByValue>>;

    std::size_t capacity_;
    Table keys_;
};

}  // namespace larder::observe
