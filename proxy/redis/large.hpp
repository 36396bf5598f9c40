#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// A large entry stands in two fields of its key's hash, written in one step: "v:..." holds a stub,
/// which is the entry without its body and tells how large the whole is, "b:..." the whole entry.
/// So a read learns the size, and whether the entry is valid at all, from a small value, and asks
/// for the whole over a connection of its own. Pure.
namespace larder::redis {

/// Above it an entry, as encoded, is large.
inline constexpr std::size_t large_above = 64 * 1024;

struct LargeStub {
    std::string token;        ///< which the whole begins with: the two were written together
    std::uint64_t bytes = 0;  ///< of the whole, as it stands in Redis
    /// The whole was too slow to write. Only the memory tiers of the instances that fetched it have
    /// it.
    [[nodiscard]] bool is_alone() const { return token == no_token; }
    static constexpr std::string_view no_token = "0000000000000000";
};

/// `head`: the entry without its body, encoded.
[[nodiscard]] std::string make_stub(const LargeStub& stub, std::string_view head);
/// Nothing where the value is no stub. `head` is then a view into it.
[[nodiscard]] std::optional<LargeStub> read_stub(std::string_view value, std::string_view& head);

}  // namespace larder::redis
