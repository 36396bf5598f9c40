#include "store/entry_format.hpp"

#include <zstd.h>

#include <array>
#include <bit>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "cache/head_value.hpp"

namespace larder::store {
namespace {

constexpr std::size_t header_size = 12;  // magic and version, checksum
constexpr std::size_t saving_worth_percent = 12;
constexpr int compression_level = 1;
constexpr std::int64_t time_max =
    std::int64_t{1} << 50;  // either way: sums and differences of times cannot overflow
// A zstd block holds at most 128 KB and takes 4 bytes at least (RFC 8878, 3.1.1.2): a frame that
// promises more lies.
constexpr std::size_t block_max = 128 * 1024;
constexpr std::size_t block_bytes_min = 4;

enum class FieldOf : std::uint8_t {
    status = 1,
    freshness = 2,
    head = 3,
    body = 4,
    body_zstd = 5,  // the size before, then a zstd frame
    etag = 6,
    last_modified = 7,
    target = 8,
    vary = 9,
    variant = 10,
    tags = 11,
    response_tags = 12,
    soft_id = 13,
    origin_lines = 16,      // of a rewritten head: a version, then the lines
    everything = 15,        // the id that all entries carry
    fill_guard = 17,        // the guard in Redis
    content_encoding = 18,  // there even where it is empty
    freshness_rest =
        14,  // what the durations in `freshness`, which are whole seconds, leave of milliseconds
};

template <std::size_t bytes>
void store_number(char* at, std::uint64_t value) {
    boost::endian::endian_store<std::uint64_t, bytes, boost::endian::order::little>(
        reinterpret_cast<unsigned char*>(at), value);
}

template <std::size_t bytes>
void put_number(std::string& out, std::uint64_t value) {
    char raw[bytes];
    store_number<bytes>(raw, value);
    out.append(raw, bytes);
}

void put_text(std::string& out, std::string_view text) {
    put_number<4>(out, text.size());
    out.append(text);
}

/// A field that is written in parts, from the constructor to the destructor. One that stays empty
/// is left out.
class OpenField {
public:
    OpenField(std::string& out, FieldOf id) : out_(out), begin_(out.size() + head_size) {
        out_.push_back(static_cast<char>(id));
        put_number<4>(out_, 0);
    }
    ~OpenField() {
        const std::size_t size = out_.size() - begin_;
        if (size == 0) out_.resize(begin_ - head_size);
        if (size != 0) store_number<4>(out_.data() + begin_ - 4, size);
    }
    OpenField(const OpenField&) = delete;
    OpenField& operator=(const OpenField&) = delete;

private:
    static constexpr std::size_t head_size = 5;
    std::string& out_;
    std::size_t begin_;
};

void put_field(std::string& out, FieldOf id, std::string_view bytes) {
    const OpenField field(out, id);
    out.append(bytes);
}

template <std::size_t bytes>
void put_field(std::string& out, FieldOf id, std::uint64_t number) {
    const OpenField field(out, id);
    put_number<bytes>(out, number);
}

/// Reads what was put; `good` turns false at the first thing that does not fit, and everything
/// after is empty.
struct Reader {
    std::string_view rest;
    bool good = true;

    template <std::size_t bytes>
    std::uint64_t number() {
        const std::string_view raw = take(bytes);
        if (!good) return 0;
        return boost::endian::endian_load<std::uint64_t, bytes, boost::endian::order::little>(
            reinterpret_cast<const unsigned char*>(raw.data()));
    }
    std::int64_t signed_number() { return static_cast<std::int64_t>(number<8>()); }
    std::string_view text() { return take(number<4>()); }
    std::string_view take(std::size_t bytes) {
        if (!good || bytes > rest.size()) {
            good = false;
            return {};
        }
        const std::string_view taken = rest.substr(0, bytes);
        rest.remove_prefix(bytes);
        return taken;
    }
};

std::int64_t whole(Milliseconds duration) { return std::chrono::floor<Seconds>(duration).count(); }

std::uint64_t rest_of(Milliseconds duration) {
    return static_cast<std::uint64_t>((duration - std::chrono::floor<Seconds>(duration)).count());
}

/// Nothing where all are whole seconds.
void put_freshness_rest(std::string& out, const cache::Freshness& f) {
    const std::array rests{rest_of(f.lifetime), rest_of(f.stale_while_revalidate),
                           rest_of(f.stale_if_error)};
    const OpenField field(out, FieldOf::freshness_rest);
    if (rests == decltype(rests){}) return;
    for (const std::uint64_t rest : rests) put_number<2>(out, rest);
}

bool read_freshness_rest(std::string_view bytes, cache::Freshness& f) {
    Reader reader{bytes};
    for (Milliseconds* duration : {&f.lifetime, &f.stale_while_revalidate, &f.stale_if_error})
        *duration += Milliseconds(reader.number<2>() % 1000);
    return reader.good;
}

void put_freshness(std::string& out, const cache::Freshness& f) {
    const OpenField field(out, FieldOf::freshness);
    for (const std::int64_t value :
         {static_cast<std::int64_t>(f.requested_at.time_since_epoch().count()),
          static_cast<std::int64_t>(f.received_at.time_since_epoch().count()),
          static_cast<std::int64_t>(f.initial_age.count()), whole(f.lifetime),
          whole(f.stale_while_revalidate), whole(f.stale_if_error)})
        put_number<8>(out, static_cast<std::uint64_t>(value));
    put_number<1>(out, (f.must_revalidate ? 1u : 0u) | (f.no_cache ? 2u : 0u) |
                           (f.shared_if_authorized ? 4u : 0u) | (f.shared ? 8u : 0u));
}

bool read_freshness(std::string_view bytes, cache::Freshness& f) {
    Reader reader{bytes};
    const auto bounded = [&reader](std::int64_t most) {
        const std::int64_t value = reader.signed_number();
        if (value <= most && value >= -most) return value;
        reader.good = false;
        return std::int64_t{0};
    };
    const auto time = [&bounded] { return WallTime(Milliseconds(bounded(time_max))); };
    // Kept in milliseconds.
    const auto seconds = [&bounded] { return Seconds(bounded(time_max / 1000)); };
    f.requested_at = time();
    f.received_at = time();
    f.initial_age = seconds();
    f.lifetime = seconds();
    f.stale_while_revalidate = seconds();
    f.stale_if_error = seconds();
    const std::uint64_t flags = reader.number<1>();
    f.must_revalidate = flags & 1;
    f.no_cache = flags & 2;
    f.shared_if_authorized = flags & 4;
    f.shared = flags & 8;  // not in entries of earlier releases: these are fetched again
    return reader.good;
}

void put_names(std::string& out, FieldOf id, const std::vector<std::string>& names) {
    const OpenField field(out, id);
    for (const std::string& name : names) put_text(out, name);
}

void put_tags(std::string& out, FieldOf id, const std::vector<cache::TagId>& tags) {
    const OpenField field(out, id);
    for (const cache::TagId& tag : tags) {
        put_text(out, tag.name);
        put_text(out, tag.id);
    }
}

/// Whether these are whole texts, a multiple of so many: what cache::NameList and cache::TagList
/// take.
bool holds_texts(std::string_view bytes, std::size_t multiple) {
    static_assert(std::endian::native == std::endian::little, "they read lengths as they stand");
    Reader reader{bytes};
    std::size_t count = 0;
    for (; reader.good && !reader.rest.empty(); ++count) reader.text();
    return reader.good && count % multiple == 0;
}

bool names_content_encoding(std::string_view head) {
    constexpr std::string_view name = "content-encoding:";
    for (std::size_t line = 0; line < head.size();) {
        if (iequals(head.substr(line, name.size()), name)) return true;
        const std::size_t end = head.find('\n', line);
        if (end == std::string_view::npos) return false;
        line = end + 1;
    }
    return false;
}

/// Appends the body compressed, unless that saves too little to be worth the work of every later
/// read.
bool put_compressed(std::string& out, std::string_view body) {
    const std::size_t worth = body.size() - body.size() * saving_worth_percent / 100;
    const OpenField field(out, FieldOf::body_zstd);
    const std::size_t start = out.size();
    put_number<8>(out, body.size());
    const std::size_t at = out.size();
    out.resize(at + worth);
    const std::size_t size =
        ZSTD_compress(out.data() + at, worth, body.data(), body.size(), compression_level);
    const bool saves = ZSTD_isError(size) == 0;
    out.resize(saves ? at + size : start);
    return saves;
}

bool read_compressed(std::string_view bytes, cache::StoredParts& entry) {
    Reader reader{bytes};
    const std::uint64_t size = reader.number<8>();
    if (!reader.good || size > entry_body_max ||
        size / block_max > reader.rest.size() / block_bytes_min)
        return false;
    if (ZSTD_getFrameContentSize(reader.rest.data(), reader.rest.size()) != size) return false;
    std::string whole(size, '\0');
    const std::size_t written =
        ZSTD_decompress(whole.data(), size, reader.rest.data(), reader.rest.size());
    entry.body_bytes = new cache::SharedBytes(std::move(whole));
    entry.body = entry.body_bytes->bytes();
    return written == size;
}

bool read_field(FieldOf id, std::string_view bytes, cache::StoredParts& entry) {
    switch (id) {
        case FieldOf::status: {
            Reader reader{bytes};
            entry.status = static_cast<int>(reader.number<2>());
            return reader.good;
        }
        case FieldOf::freshness:
            return read_freshness(bytes, entry.freshness);
        case FieldOf::freshness_rest:
            return read_freshness_rest(bytes, entry.freshness);
        case FieldOf::head:
            entry.head = bytes;
            return true;
        case FieldOf::body:
            entry.body = bytes;
            return true;
        case FieldOf::body_zstd:
            return read_compressed(bytes, entry);
        case FieldOf::etag:
            entry.etag = bytes;
            return true;
        case FieldOf::last_modified:
            entry.last_modified = bytes;
            return true;
        case FieldOf::content_encoding:
            entry.content_encoding = bytes;
            return true;
        case FieldOf::target:
            entry.target = bytes;
            return true;
        case FieldOf::vary:
            entry.packed_vary = bytes;
            return holds_texts(bytes, 1);
        case FieldOf::variant:
            entry.variant = bytes;
            return true;
        case FieldOf::tags:
            entry.packed_tags = bytes;
            return holds_texts(bytes, 2);
        case FieldOf::response_tags:
            entry.packed_response_tags = bytes;
            return holds_texts(bytes, 2);
        case FieldOf::soft_id:
            entry.soft_id = bytes;
            return true;
        case FieldOf::origin_lines:
            if (bytes.empty()) return false;  // begins with a "1"
            entry.rewritten = true;
            entry.origin_lines = bytes.substr(1);
            return true;
        case FieldOf::everything: {
            Reader reader{bytes};
            entry.everything = reader.number<8>();
            return reader.good;
        }
        case FieldOf::fill_guard: {
            Reader reader{bytes};
            entry.fill_guard = reader.number<8>();
            return reader.good;
        }
    }
    return true;  // of a later release
}

}  // namespace

std::string encode_entry(const cache::Draft& entry, EntryEncoding how) {
    std::string out;
    if (entry.body.size() > entry_body_max) return out;
    const std::string_view body = how.without_body ? std::string_view() : entry.body.view();
    out.reserve(entry.head.size() + body.size() + entry.target.size() + 512);
    out.append(entry_magic);
    put_number<8>(out, 0);
    put_field<2>(out, FieldOf::status, static_cast<std::uint64_t>(entry.status));
    put_freshness(out, entry.freshness);
    put_freshness_rest(out, entry.freshness);
    put_field(out, FieldOf::head, entry.head);
    put_field(out, FieldOf::etag, entry.etag);
    put_field(out, FieldOf::last_modified, entry.last_modified);
    out.push_back(static_cast<char>(FieldOf::content_encoding));
    put_text(out, entry.content_encoding);
    put_field(out, FieldOf::target, entry.target);
    put_names(out, FieldOf::vary, entry.vary);
    put_field(out, FieldOf::variant, entry.variant);
    put_tags(out, FieldOf::tags, entry.tags);
    put_tags(out, FieldOf::response_tags, entry.response_tags);
    put_field(out, FieldOf::soft_id, entry.soft_id);
    if (entry.rewritten) put_field(out, FieldOf::origin_lines, "1" + entry.origin_lines);
    put_field<8>(out, FieldOf::everything, entry.everything);
    put_field<8>(out, FieldOf::fill_guard, entry.fill_guard);
    const bool try_zstd =
        how.compress && body.size() > how.compress_above && !names_content_encoding(entry.head);
    if (!try_zstd || !put_compressed(out, body)) put_field(out, FieldOf::body, body);
    store_number<8>(out.data() + entry_magic.size(),
                    checksum_of(std::string_view(out).substr(header_size)));
    return out;
}

std::optional<cache::StoredParts> decode_entry(std::string_view bytes) {
    if (bytes.size() < header_size || !bytes.starts_with(entry_magic)) return std::nullopt;
    Reader header{bytes.substr(entry_magic.size())};
    const std::uint64_t sum = header.number<8>();
    if (checksum_of(header.rest) != sum) return std::nullopt;
    std::optional<cache::StoredParts> entry(std::in_place);
    entry->status = 0;
    Reader reader{header.rest};
    while (reader.good && !reader.rest.empty()) {
        const auto id = static_cast<FieldOf>(reader.number<1>());
        const std::string_view field = reader.text();
        if (!reader.good || !read_field(id, field, *entry)) return std::nullopt;
    }
    // The field was not there: earlier releases did not write it. The head tells the coding.
    if (entry->content_encoding.data() == nullptr)
        entry->content_encoding = cache::head_value(entry->head, "content-encoding");
    if (!reader.good || entry->status < 100 || entry->status > 999 || entry->head.empty())
        return std::nullopt;
    return entry;
}

}  // namespace larder::store
