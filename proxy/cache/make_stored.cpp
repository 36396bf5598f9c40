#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "cache/head_value.hpp"
#include "cache/stored_parts.hpp"
#include "cache/stored_response.hpp"

// How a stored response is laid out and written: its size first, then its bytes.
namespace larder::cache {
namespace {

// A body stands apart where that saves so much: a second piece costs time, and its own bookkeeping.
constexpr std::size_t saving_worth = 48;

struct FreeBytes {
    void operator()(void* bytes) const { ::operator delete(bytes); }
};
using Bytes = std::unique_ptr<void, FreeBytes>;

// The times of Freshness, whatever their size.
using WideTimes = std::array<std::int64_t, 5>;

WideTimes wide_times(const Freshness& freshness) {
    return {freshness.requested_at.time_since_epoch().count(), freshness.initial_age.count(),
            freshness.lifetime.count(), freshness.stale_while_revalidate.count(),
            freshness.stale_if_error.count()};
}

template <class Small>
bool fits(std::int64_t number) {
    return number >= 0 && number <= std::int64_t{std::numeric_limits<Small>::max()};
}

bool is_whole_seconds(Milliseconds duration) { return duration.count() % 1000 == 0; }

bool fits_members(const Freshness& freshness) {
    const std::int64_t lifetime = freshness.lifetime.count();
    const bool lifetime_fits =
        fits<std::uint32_t>(lifetime) ||
        (is_whole_seconds(freshness.lifetime) && fits<std::uint32_t>(lifetime / 1000));
    // Unsigned, because a damaged entry may hold any time.
    const std::uint64_t before =
        static_cast<std::uint64_t>(freshness.received_at.time_since_epoch().count()) -
        static_cast<std::uint64_t>(freshness.requested_at.time_since_epoch().count());
    return lifetime_fits && before <= std::numeric_limits<std::uint16_t>::max() &&
           fits<std::uint16_t>(freshness.initial_age.count()) &&
           freshness.stale_while_revalidate == Milliseconds(0) &&
           freshness.stale_if_error == Milliseconds(0);
}

std::uint32_t size_of(std::size_t size) {
    if (size > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("a part of a stored response is larger than 4 GB");
    return static_cast<std::uint32_t>(size);
}

}  // namespace

// How large a new entry is, and how it is laid out. Valid as long as the parts are.
struct StoredResponse::Layout {
    Layout(const StoredParts& parts, std::span<const Stored> coded, Kept kept) : forms(coded) {
        sizes = {size_of(parts.guards.size()), size_of(parts.key.size()),
                 size_of(parts.variant.size()), size_of(parts.target.size()),
                 size_of(parts.head.size())};
        is_wide = !fits<std::uint8_t>(sizes.guards) || !fits<std::uint16_t>(sizes.key) ||
                  !fits<std::uint8_t>(sizes.variant) || !fits<std::uint8_t>(sizes.target) ||
                  !fits<std::uint16_t>(sizes.head);
        note_validators(parts, kept);
        note_records(parts);
        const std::size_t around =
            fixed_bytes + (is_wide ? sizeof(Sizes) : 0) + sizes.guards * sizeof(std::uint32_t) +
            sizes.key + sizes.variant + sizes.target + sizes.head + size_of(record_bytes);
        const std::size_t body = parts.body.size();
        const bool is_shared = parts.shares_body();
        body_apart = kept == Kept::long_time && !is_shared && saves_apart(around, body);
        bytes = std::max(around + (is_shared || body_apart ? sizeof(void*) : body),
                         sizeof(StoredResponse));
    }

    static bool saves_apart(std::size_t around, std::size_t body) {
        const std::size_t apart =
            allocated_bytes(around + sizeof(void*)) + allocated_bytes(body) + saving_worth;
        return allocated_bytes(around + body) > apart;
    }
    // What the head holds needs no record.
    void note_validators(const StoredParts& parts, Kept kept) {
        if (kept == Kept::briefly) {
            note(Record::etag, parts.etag);
            note(Record::last_modified, parts.last_modified);
            return;
        }
        note_field(Record::etag, parts.etag, parts.head, "etag", etag_in_head);
        note_field(Record::last_modified, parts.last_modified, parts.head, "last-modified",
                   last_modified_in_head);
    }
    // What the members hold needs no record.
    void note_records(const StoredParts& parts) {
        note(Record::content_encoding, parts.content_encoding);
        note(Record::vary, parts.packed_vary);
        note(Record::tags, parts.packed_tags);
        note(Record::response_tags, parts.packed_response_tags);
        note(Record::soft_id, parts.soft_id);
        note(Record::origin_lines, parts.origin_lines);
        if (parts.everything != 0)
            note(Record::everything, bytes_of(&parts.everything, sizeof parts.everything));
        if (!fits_members(parts.freshness)) {
            times = wide_times(parts.freshness);
            note(Record::freshness, bytes_of(times.data(), sizeof times));
        }
        // A pointer each, whose references `write` counts.
        static_assert(sizeof(Stored) == sizeof(const StoredResponse*));
        note(Record::coded, bytes_of(forms.data(), forms.size_bytes()));
    }
    void note_field(Record kind, std::string_view value, std::string_view head,
                    std::string_view name, std::uint16_t in_head) {
        if (value.empty()) return;
        const bool stands_there = head_value(head, name) == value;
        if (stands_there) kinds |= in_head;
        if (!stands_there) note(kind, value);
    }
    void note(Record kind, std::string_view bytes_there) {
        if (bytes_there.empty()) return;
        records[static_cast<std::size_t>(kind)] = bytes_there;
        kinds = static_cast<std::uint16_t>(kinds | 1u << static_cast<int>(kind));
        record_bytes += sizeof(std::uint32_t) + bytes_there.size();
    }
    static std::string_view bytes_of(const void* at, std::size_t size) {
        return {static_cast<const char*>(at), size};
    }

    std::span<const Stored> forms;
    Sizes sizes;
    bool is_wide = false;
    bool body_apart = false;
    std::uint16_t kinds = 0;  // as records_
    std::size_t bytes = 0;
    std::size_t record_bytes = 0;
    WideTimes times{};
    std::array<std::string_view, record_kinds> records;  // empty: there is none
};

Stored make_stored(const StoredParts& parts, std::span<const Stored> coded) {
    return StoredResponse::make(parts, coded, StoredResponse::Kept::long_time);
}

Stored make_stored_briefly(const StoredParts& parts) {
    return StoredResponse::make(parts, {}, StoredResponse::Kept::briefly);
}

Stored StoredResponse::make(const StoredParts& parts, std::span<const Stored> coded, Kept kept) {
    static_assert(fixed_bytes % alignof(std::uint32_t) == 0);
    if (!parts.body_bytes && parts.body.size() >= Body::shared_from) {
        StoredParts sharing = parts;
        sharing.body_bytes = new SharedBytes(std::string(parts.body));
        return make(sharing, coded, kept);
    }
    const Layout layout(parts, coded, kept);
    Bytes body;
    if (layout.body_apart) body.reset(::operator new(parts.body.size()));
    auto* entry = new (::operator new(layout.bytes)) StoredResponse;
    entry->write(parts, layout);
    // Nothing throws from here on: `write` has noted where the body stands.
    if (body) {
        std::memcpy(body.get(), parts.body.data(), parts.body.size());
        const void* pointer = body.release();
        std::memcpy(const_cast<char*>(entry->body_place()), &pointer, sizeof pointer);
    }
    return Stored(entry);
}

// Does not throw.
void StoredResponse::write(const StoredParts& parts, const Layout& layout) {
    const Freshness& times = parts.freshness;
    status_ = static_cast<std::uint16_t>(parts.status);
    received_at_ = times.received_at.time_since_epoch().count();
    sequence_ = parts.sequence;
    records_ = layout.kinds;
    if (times.shared) records_ |= shared_bit;
    const bool in_seconds =
        !has_record(Record::freshness) && !fits<std::uint32_t>(times.lifetime.count());
    const auto flag_if = [](bool is_set, std::uint8_t flag) { return is_set ? flag : 0; };
    flags_ = static_cast<std::uint8_t>(
        flag_if(times.must_revalidate, must_revalidate_flag) |
        flag_if(times.no_cache, no_cache_flag) |
        flag_if(times.shared_if_authorized, shared_if_authorized_flag) |
        flag_if(parts.rewritten, rewritten_flag) | flag_if(layout.is_wide, wide_flag) |
        flag_if(in_seconds, whole_seconds_flag) | flag_if(layout.body_apart, body_apart_flag) |
        flag_if(parts.shares_body(), body_shared_flag));
    if (!has_record(Record::freshness)) {
        lifetime_ = static_cast<std::uint32_t>(times.lifetime.count() / (in_seconds ? 1000 : 1));
        initial_age_ = static_cast<std::uint16_t>(times.initial_age.count());
        requested_before_ =
            static_cast<std::uint16_t>((times.received_at - times.requested_at).count());
    }
    char* at = const_cast<char*>(data());
    const auto add = [&at](const void* bytes, std::size_t size) {
        if (size > 0) std::memcpy(at, bytes, size);
        at += size;
    };
    if (layout.is_wide) {
        add(&layout.sizes, sizeof layout.sizes);
    } else {
        guards_ = static_cast<std::uint8_t>(layout.sizes.guards);
        key_ = static_cast<std::uint16_t>(layout.sizes.key);
        variant_ = static_cast<std::uint8_t>(layout.sizes.variant);
        target_ = static_cast<std::uint8_t>(layout.sizes.target);
        head_ = static_cast<std::uint16_t>(layout.sizes.head);
    }
    add(parts.guards.data(), parts.guards.size_bytes());
    for (const std::string_view text : {parts.key, parts.variant, parts.target, parts.head})
        add(text.data(), text.size());
    if (parts.shares_body()) {
        const SharedBytes* const shared = parts.body_bytes.get();
        intrusive_ptr_add_ref(shared);
        add(&shared, sizeof shared);
    } else {
        body_ = static_cast<std::uint16_t>(parts.body.size());
        if (layout.body_apart) at += sizeof(void*);
        if (!layout.body_apart) add(parts.body.data(), parts.body.size());
    }
    if (layout.record_bytes == 0) return;
    for (const std::string_view record : layout.records) {
        if (record.empty()) continue;
        const auto size = static_cast<std::uint32_t>(record.size());
        add(&size, sizeof size);
        add(record.data(), record.size());
    }
    for (const Stored& form : layout.forms) intrusive_ptr_add_ref(form.get());
}

namespace {

void pack(std::string& out, std::string_view text) {
    const std::uint32_t size = size_of(text.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

// What a Draft and StoredParts hold in the same way, from one to the other.
template <class From, class To>
void copy_common(const From& from, To& to) {
    to.status = from.status;
    to.freshness = from.freshness;
    to.head = from.head;
    to.etag = from.etag;
    to.last_modified = from.last_modified;
    to.content_encoding = from.content_encoding;
    to.target = from.target;
    to.variant = from.variant;
    to.rewritten = from.rewritten;
    to.origin_lines = from.origin_lines;
    to.soft_id = from.soft_id;
    to.everything = from.everything;
    to.fill_guard = from.fill_guard;
    to.key = from.key;
    to.sequence = from.sequence;
}

void pack(std::string& out, const std::vector<TagId>& tags) {
    for (const TagId& tag : tags) {
        pack(out, tag.name);
        pack(out, tag.id);
    }
}

}  // namespace

Stored make_stored(const Draft& draft, std::span<const Stored> coded) {
    std::string lists;
    for (const std::string& name : draft.vary) pack(lists, name);
    const std::size_t vary_end = lists.size();
    pack(lists, draft.tags);
    const std::size_t tags_end = lists.size();
    pack(lists, draft.response_tags);
    const std::string_view packed = lists;
    StoredParts parts;
    copy_common(draft, parts);
    parts.body = draft.body.view();
    parts.body_bytes = draft.body.shared();
    parts.packed_vary = packed.substr(0, vary_end);
    parts.packed_tags = packed.substr(vary_end, tags_end - vary_end);
    parts.packed_response_tags = packed.substr(tags_end);
    parts.guards = draft.guards;
    return make_stored(parts, coded);
}

StoredParts parts_of(const StoredResponse& entry) {
    StoredParts parts;
    parts.status = entry.status();
    parts.freshness = entry.freshness();
    parts.head = entry.head();
    parts.body = entry.body();
    parts.body_bytes = entry.shared_body();
    parts.etag = entry.etag();
    parts.last_modified = entry.last_modified();
    parts.content_encoding = entry.content_encoding();
    parts.target = entry.target();
    parts.packed_vary = entry.record(StoredResponse::Record::vary);
    parts.variant = entry.variant();
    parts.packed_tags = entry.record(StoredResponse::Record::tags);
    parts.packed_response_tags = entry.record(StoredResponse::Record::response_tags);
    parts.rewritten = entry.rewritten();
    parts.origin_lines = entry.origin_lines();
    parts.soft_id = entry.soft_id();
    parts.everything = entry.everything();
    parts.key = entry.key();
    parts.guards = entry.guards();
    parts.sequence = entry.sequence();
    return parts;
}

Draft draft_of(const StoredParts& parts) {
    Draft out;
    copy_common(parts, out);
    if (parts.shares_body()) out.body = Body(parts.body_bytes);
    if (!parts.shares_body()) out.body = parts.body;
    out.vary = parts.vary().to_strings();
    out.tags = parts.tags().to_ids();
    out.response_tags = parts.response_tags().to_ids();
    out.guards.assign(parts.guards.begin(), parts.guards.end());
    return out;
}

Stored copy_of(const StoredResponse& entry, std::string_view key) {
    StoredParts parts = parts_of(entry);
    parts.key = key;
    std::vector<Stored> forms;
    for (std::size_t i = 0; i < entry.coded_count(); ++i) forms.emplace_back(&entry.coded(i));
    Stored out = make_stored(parts, forms);
    out->hits().store(entry.hits().load(std::memory_order_relaxed), std::memory_order_relaxed);
    return out;
}

}  // namespace larder::cache
