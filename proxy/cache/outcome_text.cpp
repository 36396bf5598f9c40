#include "cache/outcome_text.hpp"

#include <array>

namespace larder::cache {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(XCache::count_)> words{
    "a fresh entry answered",
    "no entry was there, so the origin was asked",
    "the entry had expired, so the origin was asked",
    "the entry had expired, and the origin confirmed it",
    "the entry had expired, and is served while one request refreshes it",
    "the entry had expired, and is served because the origin failed",
    "the cache had no part in this request",
};

constexpr std::array<std::string_view, static_cast<std::size_t>(Detail::count_)> details{
    "",
    "no route takes the method and the path",
    "the route says cache: off",
    "the route is in shadow mode",
    "the request carries credentials, and the origin did not mark the response as shared",
    "the request carries a cookie, and the origin did not mark the response as shared",
    "the response sets a cookie",
    "the origin says that the response is private",
    "no-store was said",
    "the response varies on everything (Vary: *)",
    "the response varies on more fields than larder keeps apart",
    "the response is larger than max_object",
    "the status is stored only under an explicit lifetime or status_ttl",
    "the response is a part, or answers a condition of the request",
    "neither the origin nor the route grants a lifetime",
    "the query has a parameter that the key does not name (query: bypass)",
    "a field of the request may change its path, method or identity at the origin",
    "Redis cannot be asked",
    "the wait for Redis was cut at redis.timeout",
    "a purge came while the response was fetched",
    "the last answer for this key could not be stored",
    "the origin could not be reached, or answered nonsense",
    "the origin was too slow",
    "one request refreshes the entry in the background",
    "the origin closed the connection before the end",
    "the request asks for another protocol",
    "the request asks for a range that the cache does not serve",
    "the request has a body",
    "the request says only-if-cached, and nothing is stored",
    "the request breaks HTTP",
    "the client was too slow",
    "a limit of the configuration was reached, or the response names more tags than are kept",
    "the key in Redis holds something that is not larder's",
    "an event stream is not stored under the ttl of a route",
    "larder does not do this method or transfer coding",
    "no origin server is available, or larder is stopping",
    "the purge could not be announced in Redis (on_purge_failure: fail)",
    "PURGE is not allowed from this address (purge_from)",
};
static_assert(!details.back().empty() && !words.back().empty(), "one sentence for each");

}  // namespace

std::string_view sentence_of(XCache x) { return words[static_cast<std::size_t>(x)]; }

std::string_view sentence_of(Detail detail) { return details[static_cast<std::size_t>(detail)]; }

}  // namespace larder::cache
