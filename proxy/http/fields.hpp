#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace larder::http {

/// The field names that larder looks at. Every other name is `other`.
enum class FieldId : std::uint8_t {
    other,
    accept,
    accept_encoding,
    age,
    authorization,
    cache_control,
    cache_group_invalidation,
    cache_groups,
    cache_status,
    cache_tag,
    cdn_cache_control,
    connection,
    content_encoding,
    content_length,
    content_location,
    content_range,
    content_type,
    cookie,
    date,
    etag,
    expect,
    expires,
    forwarded,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    last_modified,
    location,
    pragma,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    range,
    set_cookie,
    surrogate_key,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    vary,
    via,
    x_cache,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_port,
    x_forwarded_proto,
    x_http_method_override,
    x_original_url,
    x_real_ip,
    x_rewrite_url,
    count_
};

/// The id of a field name, in any case. Costs one hash and one comparison.
FieldId field_id(std::string_view name);

/// The canonical lower-case name of an id (empty for `other`).
std::string_view field_name(FieldId id);

/// One field line as received: views into the message's buffer. The value has no white space around
/// it.
struct Field {
    std::string_view name;
    std::string_view value;
    FieldId id = FieldId::other;
};

/// The field lines of a message in their order. Does not own them. Keeps a bit for each id, so that
/// a look-up of an absent field costs one test.
class Fields {
public:
    Fields() = default;
    /// The lines must not change during the lifetime of this object.
    explicit Fields(std::span<const Field> lines) : lines_(lines) {
        for (const Field& line : lines_) present_ |= bit(line.id);
    }

    [[nodiscard]] auto begin() const { return lines_.begin(); }
    [[nodiscard]] auto end() const { return lines_.end(); }
    [[nodiscard]] std::size_t size() const { return lines_.size(); }

    [[nodiscard]] bool has(FieldId id) const { return (present_ & bit(id)) != 0; }
    template <class... Ids>
    [[nodiscard]] bool has_any(Ids... ids) const {
        return (present_ & (bit(ids) | ...)) != 0;
    }

    /// The first line of that name; null if there is none.
    [[nodiscard]] const Field* first(FieldId id) const {
        if (!has(id)) return nullptr;
        for (const Field& line : lines_)
            if (line.id == id) return &line;
        return nullptr;
    }

    /// The value of the first line of that name; empty if there is none.
    [[nodiscard]] std::string_view value(FieldId id) const {
        const Field* line = first(id);
        return line ? line->value : std::string_view{};
    }

    [[nodiscard]] std::size_t count(FieldId id) const {
        std::size_t n = 0;
        if (!has(id)) return n;
        for (const Field& line : lines_) n += line.id == id;
        return n;
    }

    /// The first line of that name, also for names without an id. Case does not matter.
    [[nodiscard]] const Field* first_named(std::string_view name) const {
        for (const Field& line : lines_)
            if (iequals(line.name, name)) return &line;
        return nullptr;
    }

    /// All lines of that name as one list value, joined with ", " (RFC 9110, 5.3). std::nullopt if
    /// there is no such line.
    [[nodiscard]] std::optional<std::string> joined(FieldId id) const;

private:
    static constexpr std::uint64_t bit(FieldId id) {
        return std::uint64_t{1} << static_cast<unsigned>(id);
    }
    static_assert(static_cast<unsigned>(FieldId::count_) <= 64);

    std::span<const Field> lines_;
    std::uint64_t present_ = 0;
};

}  // namespace larder::http
