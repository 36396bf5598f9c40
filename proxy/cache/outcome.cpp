#include "cache/outcome.hpp"

#include <array>

namespace larder::cache {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(XCache::count_)> words{
    "HIT", "MISS", "EXPIRED", "REVALIDATED", "UPDATING", "STALE", "BYPASS"};

constexpr std::array<std::string_view, static_cast<std::size_t>(Detail::count_)> tokens{
    "",
    "no-route",
    "pass",
    "shadow",
    "authorization",
    "cookie",
    "set-cookie",
    "private",
    "no-store",
    "vary-star",
    "vary-limit",
    "too-large",
    "status",
    "partial",
    "no-lifetime",
    "query",
    "unsafe-header",
    "redis-down",
    "redis-timeout",
    "purged-during-fetch",
    "uncacheable",
    "origin-error",
    "origin-timeout",
    "revalidating",
    "truncated",
    "upgrade",
    "range",
    "body",
    "only-if-cached",
    "bad-request",
    "client-timeout",
    "limit",
    "foreign-key",
    "stream",
    "not-implemented",
    "unavailable",
    "purge-failed",
    "purge-denied"};

}  // namespace

std::string_view to_word(XCache x) { return words[static_cast<std::size_t>(x)]; }
std::string_view to_token(Detail detail) { return tokens[static_cast<std::size_t>(detail)]; }

}  // namespace larder::cache
