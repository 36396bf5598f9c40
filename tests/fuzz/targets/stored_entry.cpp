#include <cstring>

#include "base/checksum.hpp"
#include "cache/freshness.hpp"
#include "cache/reuse.hpp"
#include "cache/stored_head.hpp"
#include "fuzz/fuzz.hpp"
#include "store/entry_format.hpp"

namespace larder::fuzz {
namespace {

// A magic and a checksum that hold, so that the search gets behind them.
std::string sealed(std::string_view fields) {
    const std::uint64_t sum = checksum_of(fields);
    std::string out(store::entry_magic);
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(sum >> (8 * i)));
    return out.append(fields);
}

}  // namespace

// Bytes that stood in Redis, as they are and with their checksum put right. What is read is written
// and read back the same.
void stored_entry(std::string_view input) {
    [[maybe_unused]] const auto as_it_is = store::decode_entry(input);
    const std::string bytes = sealed(input.substr(std::min<std::size_t>(input.size(), 12)));
    const auto parts = store::decode_entry(bytes);
    if (!parts) return;
    [[maybe_unused]] const cache::Stored at_once = cache::make_stored(*parts);
    cache::Draft entry = cache::draft_of(*parts);
    cache::index_stored_head(entry);
    const std::string once = store::encode_entry(entry, {});
    const auto again = store::decode_entry(once);
    require(again.has_value(), "what was read can be written");
    require(store::encode_entry(cache::draft_of(*again), {}) == once,
            "what was written is read back");
    const std::string packed_bytes = store::encode_entry(entry, {true, 0});
    const auto packed = store::decode_entry(packed_bytes);
    require(packed && packed->body == entry.body.view(), "a compressed body is the same body");
    cache::remaining_lifetime(entry.freshness, WallTime(std::chrono::seconds(784111777)));
    const cache::Stored stored = cache::make_stored(entry);
    require(store::encode_entry(cache::draft_of(cache::parts_of(*stored)), {}) == once,
            "a stored response says what it was made of");
    cache::decide_reuse(*stored, {}, cache::Detail::none, false,
                        WallTime(std::chrono::seconds(784111777)));
}

}  // namespace larder::fuzz
