#include <cstring>

#include "cache/freshness.hpp"
#include "cache/reuse.hpp"
#include "cache/stored_head.hpp"
#include "fuzz/fuzz.hpp"
#include "store/entry_format.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace larder::fuzz {
namespace {

// A magic and a checksum that hold, so that the search gets behind them.
std::string sealed(std::string_view fields) {
    const std::uint64_t sum = XXH3_64bits(fields.data(), fields.size());
    std::string out(store::entry_magic);
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(sum >> (8 * i)));
    return out.append(fields);
}

}  // namespace

// Bytes that stood in Redis, as they are and with their checksum put right. What is read is written
// and read back the same.
void stored_entry(std::string_view input) {
    [[maybe_unused]] const auto as_it_is = store::decode_entry(input);
    const auto entry =
        store::decode_entry(sealed(input.substr(std::min<std::size_t>(input.size(), 12))));
    if (!entry) return;
    cache::index_stored_head(*entry);
    const std::string once = store::encode_entry(*entry, {});
    const auto again = store::decode_entry(once);
    require(again != nullptr, "what was read can be written");
    require(store::encode_entry(*again, {}) == once, "what was written is read back");
    const auto packed = store::decode_entry(store::encode_entry(*entry, {true, 0}));
    require(packed && packed->body == entry->body.view(), "a compressed body is the same body");
    cache::remaining_lifetime(entry->freshness, WallTime(std::chrono::seconds(784111777)));
    const cache::Stored stored = cache::make_stored(*entry);
    require(store::encode_entry(cache::draft_of(*stored), {}) == once,
            "a stored response says what it was made of");
    cache::decide_reuse(*stored, {}, cache::Detail::none, false,
                        WallTime(std::chrono::seconds(784111777)));
}

}  // namespace larder::fuzz
