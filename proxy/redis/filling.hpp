#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/store_impl.hpp"

/// For this directory only: the steps of a fill (fill.cpp), each in its own file.
namespace larder::redis {

/// An id that the entry carries, and where it stands.
struct IdKey {
    std::string key;
    std::string_view id;    ///< as filled
    std::string_view hard;  ///< without its soft mark
};

/// Everything that one fill needs from step to step.
struct Filling {
    RedisStore::Impl& store;
    EntryLookup lookup;
    const Lease& lease;
    cache::Draft& entry;
    Milliseconds lives{0};     ///< how long the entry is of any use
    std::string mark;          ///< what the entry's hash names this fill by
    std::vector<IdKey> ids{};  ///< the ids that the entry carries
    std::string stage{};       ///< the key under which it is before it is moved
    /// The entry is put at the guard that the lease has made, and moved from there by RENAMENX. No
    /// script needs to run: what comes after a purge lacks the guard, and nobody takes it.
    bool moves_guard = false;
    bool scripted = false;     ///< the reply at `stored_reply` is the script's
    bool put = false;          ///< something was put under the key
    bool late = false;         ///< it stands there without its guard, which was purged, or lost
    bool other_guard = false;  ///< the guard that it names, or was put at, is not its own any
                               ///< more: it is sent again
    bool own_stage = false;    ///< sent again, at a name of its own
    bool gave_back = false;    ///< the script has given the lock back
    bool watched = false;      ///< somebody may wait for the end of the lock that was moved
    /// Who looks whether the ids, and the entry, are still those of the fill.
    enum class Look : std::uint8_t {
        at_ids,      ///< the fill itself, in its round trip: nobody needs to know of the entry
        at_all,      ///< the same, and at the entry
        afterwards,  ///< a second round trip (look_after)
    };
    Look look = Look::at_ids;
    std::vector<std::size_t> prolonged{};  ///< which ids the fill prolongs
    std::size_t set_reply = 0;             ///< place of the first reply to add_stage in the batch
    std::size_t stored_reply = 0;          ///< of the fill's own reply
    std::size_t look_reply = 0;            ///< of the first reply to add_look
    bool asks_everything = false;  ///< the look asks for the id that all entries carry: this
                                   ///< process does not know it, and would not hear of its end
    /// A batch for the server that gave the lease.
    [[nodiscard]] RedisBatchPointer new_batch() const;
    /// Whether nothing can be left at the stage.
    [[nodiscard]] bool is_decided(const RedisBatch& batch) const {
        return batch.status == RedisBatch::Status::ok &&
               (batch.replies[stored_reply].type == RedisReply::Type::integer ||
                batch.replies[stored_reply].is_error("ERR no such key"));
    }
    /// The name that no other fill has.
    [[nodiscard]] std::string_view name() const {
        return std::string_view(mark).substr(0, mark.find(','));
    }
    /// Whether the look concerns the entry too, and not its ids only.
    [[nodiscard]] bool looks_at_entry() const { return look != Look::at_ids || moves_guard; }
};

// ---- response tags (response_tags.cpp)

enum class Tags : std::uint8_t { current, purged, unavailable };

/// Gets or makes the ids of the response tags. A tag is made before the clock is read again (or the
/// news awaited), and a purge moves the clock before it marks its tags: so a purge either shows
/// there, or its mark overwrites the id that was made here.
[[nodiscard]] Task<Tags> settle_response_tags(Filling& fill);

// ---- what goes out and comes back (fill_commands.cpp)

/// The ids that the entry carries; views into it.
[[nodiscard]] std::vector<IdKey> id_keys(const Filling& fill);

/// The names of the indexes that the key is noted in: the ids without their soft marks.
[[nodiscard]] std::vector<std::string_view> index_ids(const cache::Draft& entry);

/// How long the entry is of any use, as the key's expiry.
[[nodiscard]] Milliseconds time_to_live(const cache::Draft& entry, WallTime now);

/// An entry as it goes out.
struct Encoded {
    std::string value;  ///< the entry, or a large one's stub
    std::string whole;  ///< a large one; else empty
};
[[nodiscard]] Encoded encode(const Filling& fill);

/// The connection that a fill goes over.
enum class Carrier : std::uint8_t {
    link,  ///< Redis tells the subscriber of the keys that are read over it
    bulk,  ///< of none
};
/// One round trip: prolongs the ids that may end before the entry does, stores, and looks
/// (`fill.look`).
void add_fill(Filling& fill, RedisCommands& commands, const Encoded& encoded, Carrier carrier);
/// The look at the entry's mark and at its ids.
void add_look(Filling& fill, RedisCommands& commands);
struct Looked {
    bool current = true;   ///< no id was purged
    bool same = true;      ///< nothing at all has changed
    bool late = false;     ///< the fill stands there without a guard: that was purged, or lost
    bool watched = false;  ///< the lock that was moved says that somebody waits for its end, or is
                           ///< gone, and that with it
};
[[nodiscard]] Looked read_look(const Filling& fill, const RedisReply* replies);
[[nodiscard]] RedisStore::Filled read_fill(Filling& fill, const RedisBatch& batch);
/// Whether the entry could not be moved from its guard, because something stands under the key.
[[nodiscard]] bool needs_merge(const Filling& fill, const RedisBatch& batch);
/// Has the script do it, which copes with that; and looks.
void add_merge(Filling& fill, RedisCommands& commands, const Encoded& encoded);

}  // namespace larder::redis
