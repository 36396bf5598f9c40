#include "cache/stored_response.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "cache/head_value.hpp"

// How a stored response is read. cache/make_stored.cpp makes it.
namespace larder::cache {

// jemalloc: steps of 16 up to 128, then four steps to each doubling.
std::size_t allocated_bytes(std::size_t size) {
    constexpr std::size_t quantum = 16;
    constexpr std::size_t even_steps_max = 128;
    if (size <= quantum / 2) return quantum / 2;
    const std::size_t step = size <= even_steps_max ? quantum : std::bit_floor(size - 1) / 4;
    return (size + step - 1) & ~(step - 1);  // a step is a power of two
}

void StoredResponse::destroy(const StoredResponse* entry) {
    for (std::size_t i = 0; i < entry->coded_count(); ++i) intrusive_ptr_release(&entry->coded(i));
    if (entry->has(body_apart_flag)) ::operator delete(const_cast<void*>(entry->body_pointer()));
    if (entry->has(body_shared_flag))
        intrusive_ptr_release(static_cast<const SharedBytes*>(entry->body_pointer()));
    auto* piece = const_cast<StoredResponse*>(entry);
    piece->~StoredResponse();
    ::operator delete(static_cast<void*>(piece));
}

std::string_view StoredResponse::find_record(Record kind) const {
    const char* at = body_place() + body_place_bytes();
    for (int before = 0; before < static_cast<int>(kind); ++before)
        if (has_record(static_cast<Record>(before))) at = end_of_text(at);
    return unpack_text(at);
}

const char* StoredResponse::end() const {
    const char* at = body_place() + body_place_bytes();
    for (int kind = 0; kind < record_kinds; ++kind)
        if (has_record(static_cast<Record>(kind))) at = end_of_text(at);
    return at;
}

StoredResponse::Sizes StoredResponse::sizes() const {
    if (!has(wide_flag)) return {guards_, key_, variant_, target_, head_};
    Sizes wide;
    std::memcpy(&wide, data(), sizeof wide);
    return wide;
}

const char* StoredResponse::texts() const {
    const std::size_t in_front = has(wide_flag) ? sizeof(Sizes) : 0;
    return data() + in_front + sizes().guards * sizeof(std::uint32_t);
}

const char* StoredResponse::body_place() const {
    const std::string_view head = find_head();
    return head.data() + head.size();
}

const void* StoredResponse::body_pointer() const {
    const void* pointer = nullptr;
    std::memcpy(&pointer, body_place(), sizeof pointer);
    return pointer;
}

std::string_view StoredResponse::find_key() const { return {texts(), sizes().key}; }

std::string_view StoredResponse::find_variant() const {
    return {texts() + sizes().key, sizes().variant};
}

std::string_view StoredResponse::target() const {
    const Sizes size = sizes();
    return {texts() + size.key + size.variant, size.target};
}

std::string_view StoredResponse::find_head() const {
    const Sizes size = sizes();
    return {texts() + size.key + size.variant + size.target, size.head};
}

std::string_view StoredResponse::find_body() const {
    if (!has(body_apart_flag | body_shared_flag)) return {body_place(), body_};
    if (has(body_apart_flag)) return {static_cast<const char*>(body_pointer()), body_};
    return static_cast<const SharedBytes*>(body_pointer())->bytes();
}

std::span<const std::uint32_t> StoredResponse::find_guards() const {
    return {reinterpret_cast<const std::uint32_t*>(data() + sizeof(Sizes)), sizes().guards};
}

std::size_t StoredResponse::cost() const {
    const auto piece = static_cast<std::size_t>(end() - reinterpret_cast<const char*>(this));
    std::size_t bytes = allocated_bytes(std::max(piece, sizeof(StoredResponse)));
    if (has(body_apart_flag)) bytes += allocated_bytes(body_);
    if (has(body_shared_flag))
        bytes += allocated_bytes(sizeof(SharedBytes)) +
                 allocated_bytes(
                     static_cast<const SharedBytes*>(body_pointer())->bytes().capacity() + 1);
    for (std::size_t i = 0; i < coded_count(); ++i) bytes += coded(i).cost();
    return bytes;
}

std::int64_t StoredResponse::wide_time(std::size_t index) const {
    std::int64_t time = 0;
    std::memcpy(&time, find_record(Record::freshness).data() + index * sizeof time, sizeof time);
    return time;
}

boost::intrusive_ptr<const SharedBytes> StoredResponse::shared_body() const {
    if (!has(body_shared_flag)) return nullptr;
    return static_cast<const SharedBytes*>(body_pointer());
}

Body StoredResponse::copy_body() const {
    if (!has(body_shared_flag)) return body();
    return Body(shared_body());
}

std::string_view StoredResponse::etag() const {
    return (records_ & etag_in_head) != 0 ? head_value(head(), "etag") : record(Record::etag);
}

std::string_view StoredResponse::last_modified() const {
    return (records_ & last_modified_in_head) != 0 ? head_value(head(), "last-modified")
                                                   : record(Record::last_modified);
}

std::uint64_t StoredResponse::everything() const {
    std::uint64_t id = 0;
    if (has_record(Record::everything))
        std::memcpy(&id, find_record(Record::everything).data(), sizeof id);
    return id;
}

const StoredResponse& StoredResponse::coded(std::size_t index) const {
    const StoredResponse* form = nullptr;
    std::memcpy(&form, record(Record::coded).data() + index * sizeof form, sizeof form);
    return *form;
}

}  // namespace larder::cache
