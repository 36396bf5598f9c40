#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "cache/stored_response.hpp"

namespace larder::cache {

/// What the conditions and the range of a request are compared with. Views into the response.
struct ResponseFacts {
    /// Of a stored response. Not explicit: an entry stands for its facts.
    ResponseFacts(const StoredResponse& stored)  // NOLINT(google-explicit-constructor)
        : status(stored.status()),
          etag(stored.etag()),
          last_modified(stored.last_modified()),
          length(stored.body().size()),
          head(stored.head()),
          received_at(stored.received_at()) {}

    /// Of a response that is being fetched. `length_in`: of its body, where it is known. Its Date
    /// is not looked at: a request without If-None-Match gets no 304 where Last-Modified is
    /// missing, and Last-Modified counts as a strong validator.
    ResponseFacts(int status_in, std::string_view etag_in, std::string_view last_modified_in,
                  std::optional<std::uint64_t> length_in)
        : status(status_in), etag(etag_in), last_modified(last_modified_in), length(length_in) {}

    int status;
    std::string_view etag;           ///< as in the field; empty: none
    std::string_view last_modified;  ///< as in the field; empty: none
    std::optional<std::uint64_t> length;
    std::string_view head;  ///< the lines that hold Date; empty: Date is not looked at
    WallTime received_at{};
};

}  // namespace larder::cache
