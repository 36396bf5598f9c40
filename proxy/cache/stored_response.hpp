#pragma once
#include <atomic>
#include <boost/intrusive/list_hook.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cache/body.hpp"
#include "cache/name_list.hpp"
#include "cache/stored_parts.hpp"

namespace larder::cache {

class StoredResponse;
using Stored = boost::intrusive_ptr<const StoredResponse>;

/// Where an entry stands in the memory tier (store/memory_shard.hpp), which alone reads and writes
/// all this, with its shard's mutex held; the rest of an entry never changes.
struct TierPlace
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
    StoredResponse* chain = nullptr;  ///< the next one in its bucket
    std::uint32_t rules = 0;          ///< route::CompiledRoute::rules of the route that made it
    /// So many of its guards, from the first, are the key's and its rule tags'.
    std::uint16_t rule_guards = 0;
    bool visited : 1 = false;  ///< of the newest variant of a key: whether any of them answered
    bool is_older_variant : 1 = false;  ///< of the key that stands in front of it in the bucket
    /// A tier has taken the entry, or tried to: it cannot take it again. Safe without the mutex.
    mutable std::atomic<bool> is_taken{false};
};

/// A complete response as kept: immutable once made, shared between threads by pointer. Only its
/// TierPlace changes, and how often it answered (count_hit).
///
/// All of it lies in one piece of memory, because a small response must not cost much more than its
/// bytes: this object, the guards, key, variant, target, head and body, and behind them records of
/// what few responses have. Only a large body stands elsewhere (Body), and one that would leave
/// much of the piece unused.
class StoredResponse final : public TierPlace {
public:
    StoredResponse(const StoredResponse&) = delete;
    StoredResponse& operator=(const StoredResponse&) = delete;

    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] Freshness freshness() const;
    [[nodiscard]] WallTime received_at() const { return WallTime(Milliseconds(received_at_)); }
    [[nodiscard]] bool shared() const { return (records_ & shared_bit) != 0; }
    [[nodiscard]] bool shared_if_authorized() const { return has(shared_if_authorized_flag); }

    // ---- as in Draft; views into the entry

    [[nodiscard]] std::string_view head() const;
    [[nodiscard]] std::string_view body() const;
    /// To make another entry with the same body: a large one is shared.
    [[nodiscard]] Body copy_body() const;
    /// What keeps a large body; null: a small one.
    [[nodiscard]] boost::intrusive_ptr<const SharedBytes> shared_body() const;
    /// Looked up in the head: not for every hit.
    [[nodiscard]] std::string_view etag() const;
    [[nodiscard]] std::string_view last_modified() const;
    [[nodiscard]] std::string_view content_encoding() const {
        return record(Record::content_encoding);
    }
    [[nodiscard]] bool has_coding() const { return has_record(Record::content_encoding); }
    [[nodiscard]] std::string_view target() const;
    [[nodiscard]] NameList vary() const { return NameList::of_packed(record(Record::vary)); }
    [[nodiscard]] std::string_view variant() const;
    [[nodiscard]] TagList tags() const { return TagList(record(Record::tags)); }
    [[nodiscard]] TagList response_tags() const { return TagList(record(Record::response_tags)); }
    [[nodiscard]] bool rewritten() const { return has(rewritten_flag); }
    [[nodiscard]] std::string_view origin_lines() const { return record(Record::origin_lines); }
    [[nodiscard]] std::string_view soft_id() const { return record(Record::soft_id); }
    [[nodiscard]] std::uint64_t everything() const;
    [[nodiscard]] std::string_view key() const;
    [[nodiscard]] std::span<const std::uint32_t> guards() const;
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }

    // ---- the same response in codings that larder made (`compress`), best first

    [[nodiscard]] bool has_coded() const { return has_record(Record::coded); }
    [[nodiscard]] std::size_t coded_count() const {
        return record(Record::coded).size() / sizeof(const StoredResponse*);
    }
    [[nodiscard]] const StoredResponse& coded(std::size_t index) const;

    /// How often it answered, up to a few: see count_hit.
    [[nodiscard]] std::atomic<std::uint8_t>& hits() const { return hits_; }

    /// Bytes this entry costs in memory, with what the allocator adds.
    [[nodiscard]] std::size_t cost() const;

    friend void intrusive_ptr_add_ref(const StoredResponse* p) {
        p->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(const StoredResponse* p) {
        if (p->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(p);
    }
    friend Stored make_stored(const StoredParts& parts, std::span<const Stored> coded);
    friend Stored make_stored_briefly(const StoredParts& parts);
    friend StoredParts parts_of(const StoredResponse& entry);

private:
    /// What only some entries have, in this order behind the body: each its length in four bytes,
    /// then its bytes. A bit of `records_` says whether it is there.
    enum class Record : std::uint8_t {
        etag,           ///< where the head does not hold it
        last_modified,  ///< the same
        content_encoding,
        vary,
        tags,
        response_tags,
        soft_id,
        origin_lines,
        everything,
        freshness,  ///< its times, where they do not fit into the members
        coded,      ///< pointers that each hold a reference
    };
    static constexpr int record_kinds = 11;

    static constexpr std::uint8_t must_revalidate_flag = 1;
    static constexpr std::uint8_t no_cache_flag = 2;
    static constexpr std::uint8_t shared_if_authorized_flag = 4;
    static constexpr std::uint8_t rewritten_flag = 8;
    static constexpr std::uint8_t wide_flag = 16;  ///< the sizes stand in front of the data
    static constexpr std::uint8_t whole_seconds_flag = 32;  ///< lifetime_ is in seconds
    static constexpr std::uint8_t body_apart_flag = 64;     ///< a pointer to it stands in its place
    static constexpr std::uint8_t body_shared_flag = 128;   ///< the same, to SharedBytes
    // `flags_` is full: these stand behind the bits of the records.
    static constexpr std::uint16_t shared_bit = 1u << 13;
    static constexpr std::uint16_t etag_in_head = 1u << 14;
    static constexpr std::uint16_t last_modified_in_head = 1u << 15;

    struct Sizes {
        std::uint32_t guards = 0;
        std::uint32_t key = 0;
        std::uint32_t variant = 0;
        std::uint32_t target = 0;
        std::uint32_t head = 0;
    };
    struct Layout;
    enum class Kept : std::uint8_t {
        long_time,  ///< as small as it can be
        briefly,    ///< made in as few steps as can be
    };
    static Stored make(const StoredParts& parts, std::span<const Stored> coded, Kept kept);

    StoredResponse() = default;
    ~StoredResponse() = default;
    static void destroy(const StoredResponse* entry);
    void write(const StoredParts& parts, const Layout& layout);

    [[nodiscard]] bool has(std::uint8_t flags) const { return (flags_ & flags) != 0; }
    [[nodiscard]] bool has_record(Record kind) const {
        return (records_ >> static_cast<int>(kind) & 1) != 0;
    }
    [[nodiscard]] std::string_view record(Record kind) const {
        return has_record(kind) ? find_record(kind) : std::string_view();
    }
    [[nodiscard]] std::string_view find_record(Record kind) const;
    /// One of the times in Record::freshness.
    [[nodiscard, gnu::pure]] std::int64_t wide_time(std::size_t index) const;

    [[nodiscard]] const char* data() const {
        return reinterpret_cast<const char*>(this) + fixed_bytes;
    }
    // The parts as they lie where the sizes fit into the members.
    [[nodiscard]] const char* plain_key() const { return data() + guards_ * sizeof(std::uint32_t); }
    [[nodiscard]] const char* plain_head() const {
        return plain_key() + (std::size_t{key_} + variant_ + target_);
    }
    // The same wherever they lie.
    [[nodiscard]] Sizes sizes() const;
    [[nodiscard]] const char* texts() const;
    [[nodiscard]] const char* body_place() const;
    [[nodiscard]] std::string_view find_key() const;
    [[nodiscard]] std::string_view find_variant() const;
    [[nodiscard]] std::string_view find_head() const;
    [[nodiscard]] std::string_view find_body() const;
    [[nodiscard]] std::span<const std::uint32_t> find_guards() const;
    [[nodiscard]] std::size_t body_place_bytes() const {
        return has(body_apart_flag | body_shared_flag) ? sizeof(void*) : body_;
    }
    [[nodiscard]] const void* body_pointer() const;
    [[nodiscard]] const char* end() const;

    std::uint64_t sequence_ = 0;
    std::int64_t received_at_ = 0;  // in milliseconds
    mutable std::atomic<std::uint32_t> references_{0};
    std::uint32_t lifetime_ = 0;
    std::uint16_t status_ = 0;
    std::uint16_t initial_age_ = 0;       // in seconds
    std::uint16_t requested_before_ = 0;  // the receipt, in milliseconds
    std::uint16_t records_ = 0;
    std::uint16_t key_ = 0;
    std::uint16_t head_ = 0;
    std::uint16_t body_ = 0;  // of one that is not shared
    std::uint8_t variant_ = 0;
    std::uint8_t target_ = 0;
    std::uint8_t guards_ = 0;
    std::uint8_t flags_ = 0;
    mutable std::atomic<std::uint8_t> hits_{0};
    // The data begins in what would be padding.
    static constexpr std::size_t fixed_bytes = 76;
};

/// The stored response that the draft, or the parts, describe. `coded`: its coded forms, best
/// first.
[[nodiscard]] Stored make_stored(const Draft& draft, std::span<const Stored> coded = {});
[[nodiscard]] Stored make_stored(const StoredParts& parts, std::span<const Stored> coded = {});
/// The same for one that answers once and is not kept: made in fewer steps, it may cost more
/// memory.
[[nodiscard]] Stored make_stored_briefly(const StoredParts& parts);

/// What the entry was made of, to make another one of. Views into the entry.
[[nodiscard]] StoredParts parts_of(const StoredResponse& entry);

/// The same entry under this key, with its coded forms. No tier has it.
[[nodiscard]] Stored copy_of(const StoredResponse& entry, std::string_view key);

/// Bytes that the allocator (jemalloc) takes for a piece of this size.
[[nodiscard]] std::size_t allocated_bytes(std::size_t size);

// ---- read on every hit

inline Freshness StoredResponse::freshness() const {
    const bool is_wide = has_record(Record::freshness);
    Freshness out;
    out.received_at = received_at();
    out.requested_at = is_wide ? WallTime(Milliseconds(wide_time(0)))
                               : out.received_at - Milliseconds(requested_before_);
    out.initial_age = Seconds(is_wide ? wide_time(1) : std::int64_t{initial_age_});
    out.lifetime = Milliseconds(
        is_wide ? wide_time(2) : std::int64_t{lifetime_} * (has(whole_seconds_flag) ? 1000 : 1));
    out.stale_while_revalidate = Milliseconds(is_wide ? wide_time(3) : 0);
    out.stale_if_error = Milliseconds(is_wide ? wide_time(4) : 0);
    out.must_revalidate = has(must_revalidate_flag);
    out.no_cache = has(no_cache_flag);
    out.shared = shared();
    out.shared_if_authorized = shared_if_authorized();
    return out;
}

inline std::string_view StoredResponse::key() const {
    if (has(wide_flag)) return find_key();
    return {plain_key(), key_};
}

inline std::string_view StoredResponse::variant() const {
    if (has(wide_flag)) return find_variant();
    return {plain_key() + key_, variant_};
}

inline std::string_view StoredResponse::head() const {
    if (has(wide_flag)) return find_head();
    return {plain_head(), head_};
}

inline std::string_view StoredResponse::body() const {
    if (has(wide_flag | body_apart_flag | body_shared_flag)) return find_body();
    return {plain_head() + head_, body_};
}

inline std::span<const std::uint32_t> StoredResponse::guards() const {
    if (has(wide_flag)) return find_guards();
    return {reinterpret_cast<const std::uint32_t*>(data()), guards_};
}

}  // namespace larder::cache
