#pragma once
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "cache/body.hpp"
#include "cache/draft.hpp"
#include "cache/name_list.hpp"

namespace larder::cache {

/// What a stored response is made of, as in Draft, but as views of what somebody else keeps: a
/// Draft, another stored response, or an entry's bytes as they came from Redis.
struct StoredParts {
    int status = 200;
    Freshness freshness;
    std::string_view head;
    std::string_view body;
    boost::intrusive_ptr<const SharedBytes> body_bytes;  ///< keeps `body`; null: somebody else does
    std::string_view etag;
    std::string_view last_modified;
    std::string_view content_encoding;
    std::string_view target;
    std::string_view packed_vary;
    std::string_view variant;
    std::string_view packed_tags;
    std::string_view packed_response_tags;
    bool rewritten = false;
    std::string_view origin_lines;
    std::string_view soft_id;
    std::uint64_t everything = 0;
    std::uint64_t fill_guard = 0;
    std::string_view key;
    std::span<const std::uint32_t> guards;
    std::uint64_t sequence = 0;

    [[nodiscard]] NameList vary() const { return NameList::of_packed(packed_vary); }
    [[nodiscard]] TagList tags() const { return TagList(packed_tags); }
    [[nodiscard]] TagList response_tags() const { return TagList(packed_response_tags); }
    /// Whether the stored response shares the body with whoever has it, instead of a copy.
    [[nodiscard]] bool shares_body() const {
        return body_bytes != nullptr && body.size() >= Body::shared_from;
    }
};

/// The same with strings of its own, to be changed. A large body is shared.
[[nodiscard]] Draft draft_of(const StoredParts& parts);

}  // namespace larder::cache
