#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "cache/head_value.hpp"
#include "cache/stored_response.hpp"

// How a stored response is laid out and written: its size first, then its bytes.
namespace larder::cache {
namespace {

// A body stands apart where that saves so much: a second piece costs time, and its own bookkeeping.
constexpr std::size_t saving_worth = 48;
// A note for put_records beside the bits of `records_`: the members hold all times.
constexpr std::uint16_t times_fit = 1u << 13;

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

// Gives the sink the records of a new entry, in the order of Record. `known`: what needs no record,
// because the head or the members hold it.
template <class Sink>
void StoredResponse::put_records(const Draft& draft, std::span<const Stored> coded,
                                 std::uint16_t known, Sink& sink) {
    const auto put = [&sink](Record kind, const void* bytes, std::size_t size) {
        if (size == 0) return;
        sink.begin(kind);
        sink.add(bytes, size);
        sink.end();
    };
    const auto put_text = [&put](Record kind, const std::string& text) {
        put(kind, text.data(), text.size());
    };
    const auto add_packed = [&sink](const std::string& text) {
        const auto size = static_cast<std::uint32_t>(text.size());
        sink.add(&size, sizeof size);
        sink.add(text.data(), text.size());
    };
    const auto put_tags = [&](Record kind, const std::vector<TagId>& tags) {
        if (tags.empty()) return;
        sink.begin(kind);
        for (const TagId& tag : tags) {
            add_packed(tag.name);
            add_packed(tag.id);
        }
        sink.end();
    };
    if ((known & etag_in_head) == 0) put_text(Record::etag, draft.etag);
    if ((known & last_modified_in_head) == 0) put_text(Record::last_modified, draft.last_modified);
    put_text(Record::content_encoding, draft.content_encoding);
    if (!draft.vary.empty()) {
        sink.begin(Record::vary);
        for (const std::string& name : draft.vary) add_packed(name);
        sink.end();
    }
    put_tags(Record::tags, draft.tags);
    put_tags(Record::response_tags, draft.response_tags);
    put_text(Record::soft_id, draft.soft_id);
    put_text(Record::origin_lines, draft.origin_lines);
    if (draft.everything != 0) put(Record::everything, &draft.everything, sizeof draft.everything);
    if ((known & times_fit) == 0) {
        const WideTimes times = wide_times(draft.freshness);
        put(Record::freshness, times.data(), sizeof times);
    }
    if (coded.empty()) return;
    sink.begin(Record::coded);
    for (const Stored& form : coded) {
        const StoredResponse* pointer = form.get();
        sink.add(&pointer, sizeof pointer);
    }
    sink.end();
}

// A sink that tells how large the records are, and which there are.
struct StoredResponse::Counter {
    void begin(Record kind) {
        kinds = static_cast<std::uint16_t>(kinds | 1u << static_cast<int>(kind));
        bytes += sizeof(std::uint32_t);
    }
    void add(const void*, std::size_t size) { bytes += size; }
    void end() {}
    std::size_t bytes = 0;
    std::uint16_t kinds = 0;
};

// A sink that writes.
struct StoredResponse::Writer {
    void begin(Record) {
        length = at;
        at += sizeof(std::uint32_t);
    }
    void add(const void* bytes, std::size_t size) {
        if (size > 0) std::memcpy(at, bytes, size);
        at += size;
    }
    void end() {
        const auto size = static_cast<std::uint32_t>(at - length - sizeof(std::uint32_t));
        std::memcpy(length, &size, sizeof size);
    }
    char* at;
    char* length = nullptr;
};

// How large a new entry is, and how it is laid out.
struct StoredResponse::Layout {
    Layout(const Draft& draft, std::span<const Stored> coded) {
        sizes = {size_of(draft.guards.size()), size_of(draft.key.size()),
                 size_of(draft.variant.size()), size_of(draft.target.size()),
                 size_of(draft.head.size())};
        is_wide = !fits<std::uint8_t>(sizes.guards) || !fits<std::uint16_t>(sizes.key) ||
                  !fits<std::uint8_t>(sizes.variant) || !fits<std::uint8_t>(sizes.target) ||
                  !fits<std::uint16_t>(sizes.head);
        if (!draft.etag.empty() && head_value(draft.head, "etag") == draft.etag)
            known |= etag_in_head;
        if (!draft.last_modified.empty() &&
            head_value(draft.head, "last-modified") == draft.last_modified)
            known |= last_modified_in_head;
        if (fits_members(draft.freshness)) known |= times_fit;
        Counter records;
        put_records(draft, coded, known, records);
        kinds = records.kinds;
        const std::size_t around =
            fixed_bytes + (is_wide ? sizeof(Sizes) : 0) + sizes.guards * sizeof(std::uint32_t) +
            sizes.key + sizes.variant + sizes.target + sizes.head + size_of(records.bytes);
        const std::size_t body = draft.body.size();
        const bool is_shared = draft.body.shared() != nullptr;
        const std::size_t apart =
            allocated_bytes(around + sizeof(void*)) + allocated_bytes(body) + saving_worth;
        body_apart = !is_shared && allocated_bytes(around + body) > apart;
        bytes = std::max(around + (is_shared || body_apart ? sizeof(void*) : body),
                         sizeof(StoredResponse));
    }

    Sizes sizes;
    bool is_wide = false;
    bool body_apart = false;
    std::uint16_t known = 0;  // as put_records
    std::uint16_t kinds = 0;  // of the records
    std::size_t bytes = 0;
};

Stored make_stored(const Draft& draft, std::span<const Stored> coded) {
    static_assert(StoredResponse::fixed_bytes % alignof(std::uint32_t) == 0);
    const StoredResponse::Layout layout(draft, coded);
    Bytes body;
    if (layout.body_apart) body.reset(::operator new(draft.body.size()));
    auto* entry = new (::operator new(layout.bytes)) StoredResponse;
    entry->write(draft, layout, coded);
    // Nothing throws from here on: `write` has noted where the body stands.
    if (body) {
        std::memcpy(body.get(), draft.body.view().data(), draft.body.size());
        const void* pointer = body.release();
        std::memcpy(const_cast<char*>(entry->body_place()), &pointer, sizeof pointer);
    }
    return Stored(entry);
}

// Does not throw.
void StoredResponse::write(const Draft& draft, const Layout& layout,
                           std::span<const Stored> coded) {
    const Freshness& times = draft.freshness;
    status_ = static_cast<std::uint16_t>(draft.status);
    received_at_ = times.received_at.time_since_epoch().count();
    sequence_ = draft.sequence;
    records_ = static_cast<std::uint16_t>(layout.kinds | (layout.known & ~times_fit));
    const bool in_seconds =
        !has_record(Record::freshness) && !fits<std::uint32_t>(times.lifetime.count());
    const auto flag_if = [](bool is_set, std::uint8_t flag) { return is_set ? flag : 0; };
    flags_ = static_cast<std::uint8_t>(
        flag_if(times.must_revalidate, must_revalidate_flag) |
        flag_if(times.no_cache, no_cache_flag) | flag_if(times.shared, shared_flag) |
        flag_if(draft.rewritten, rewritten_flag) | flag_if(layout.is_wide, wide_flag) |
        flag_if(in_seconds, whole_seconds_flag) | flag_if(layout.body_apart, body_apart_flag) |
        flag_if(draft.body.shared() != nullptr, body_shared_flag));
    if (!has_record(Record::freshness)) {
        lifetime_ = static_cast<std::uint32_t>(times.lifetime.count() / (in_seconds ? 1000 : 1));
        initial_age_ = static_cast<std::uint16_t>(times.initial_age.count());
        requested_before_ =
            static_cast<std::uint16_t>((times.received_at - times.requested_at).count());
    }
    Writer out{const_cast<char*>(data())};
    if (layout.is_wide) {
        out.add(&layout.sizes, sizeof layout.sizes);
    } else {
        guards_ = static_cast<std::uint8_t>(layout.sizes.guards);
        key_ = static_cast<std::uint16_t>(layout.sizes.key);
        variant_ = static_cast<std::uint8_t>(layout.sizes.variant);
        target_ = static_cast<std::uint8_t>(layout.sizes.target);
        head_ = static_cast<std::uint16_t>(layout.sizes.head);
    }
    out.add(draft.guards.data(), draft.guards.size() * sizeof(std::uint32_t));
    for (const std::string* text : {&draft.key, &draft.variant, &draft.target, &draft.head})
        out.add(text->data(), text->size());
    const std::string_view body = draft.body.view();
    const SharedBytes* shared = draft.body.shared().get();
    if (shared) {
        intrusive_ptr_add_ref(shared);
        out.add(&shared, sizeof shared);
    } else {
        body_ = static_cast<std::uint16_t>(body.size());
        if (layout.body_apart) out.at += sizeof(void*);
        if (!layout.body_apart) out.add(body.data(), body.size());
    }
    if (layout.kinds != 0) put_records(draft, coded, layout.known, out);
    for (const Stored& form : coded) intrusive_ptr_add_ref(form.get());
}

Draft draft_of(const StoredResponse& entry) {
    Draft out;
    out.status = entry.status();
    out.freshness = entry.freshness();
    out.head = entry.head();
    out.body = entry.copy_body();
    out.etag = entry.etag();
    out.last_modified = entry.last_modified();
    out.content_encoding = entry.content_encoding();
    out.target = entry.target();
    out.vary = entry.vary().to_strings();
    out.variant = entry.variant();
    out.tags = entry.tags().to_ids();
    out.response_tags = entry.response_tags().to_ids();
    out.rewritten = entry.rewritten();
    out.origin_lines = entry.origin_lines();
    out.soft_id = entry.soft_id();
    out.everything = entry.everything();
    out.key = entry.key();
    out.guards.assign(entry.guards().begin(), entry.guards().end());
    out.sequence = entry.sequence();
    return out;
}

Stored copy_of(const StoredResponse& entry, std::string_view key) {
    Draft draft = draft_of(entry);
    draft.key = key;
    std::vector<Stored> forms;
    for (std::size_t i = 0; i < entry.coded_count(); ++i) forms.emplace_back(&entry.coded(i));
    Stored out = make_stored(draft, forms);
    out->hits().store(entry.hits().load(std::memory_order_relaxed), std::memory_order_relaxed);
    return out;
}

}  // namespace larder::cache
