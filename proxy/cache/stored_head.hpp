#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/draft.hpp"
#include "http/message.hpp"

namespace larder::cache {

/// Whether the list has a field's name, in any case.
[[nodiscard]] bool lists(std::span<const std::string> names, std::string_view name);

/// Serialises the head to store or send: the status line and the field lines. Leaves out hop-by-hop
/// fields (Connection and those it names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding,
/// Upgrade), Age, X-Cache, and those in `omit` and in `strip`. Keeps the names' case, the order and
/// repeats. A Content-Length stays in its place where it agrees with `body_size`, and is added at
/// the end otherwise. A missing Date is added (RFC 9110, 6.6.1). The origin's Cache-Status members
/// stay.
void append_stored_head(const http::ResponseHead& response, const std::vector<std::string>& omit,
                        const std::vector<std::string>& strip, std::uint64_t body_size,
                        WallTime received_at, std::string& out);

/// The lines of a trailer section without those that `strip` lists.
[[nodiscard]] std::string stripped_trailers(std::string_view lines,
                                            const std::vector<std::string>& strip);

/// The field lines of a stored head, views into `head`. Replaces what was in `fields`.
void parse_stored_head(std::string_view head, std::vector<http::Field>& fields);

/// Sets etag, last_modified and content_encoding from the head. Call it when the head is set, or
/// read back.
void index_stored_head(Draft& draft);

}  // namespace larder::cache
