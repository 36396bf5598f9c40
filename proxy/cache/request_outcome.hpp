#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// `fwd` of RFC 9211; none: a hit.
enum class Forward : std::uint8_t { none, uri_miss, vary_miss, stale, bypass, method, request };

/// What was known of a cacheable read when its fetch was chosen.
struct MissedRead {
    bool expired = false;        ///< an entry was there, but it has expired
    bool other_variant = false;  ///< only other variants were there
    bool asked = false;          ///< the client's own Cache-Control asked for the origin's answer
    bool joined = false;         ///< another request's fetch answers
    bool shadow = false;         ///< the route is in shadow mode
    Detail personal = Detail::none;  ///< what `personal` said of the request
};

/// What became of a fetched response, as far as it is shown.
struct FetchedResult {
    int status = 200;                  ///< of the origin's response
    bool get = true;                   ///< the request was a GET: only its response is stored
    Detail not_stored = Detail::none;  ///< why it is not stored; none: it is
    Detail doubt = Detail::none;       ///< Redis refused the last fill: shown in place of `stored`
    Detail missed = Detail::none;      ///< why no entry of Redis was used: shown beside `stored`
};

/// What larder did with a request: the source of X-Cache, Cache-Status and Age, of the log and of
/// the metrics (proxy/README.md, "What a response shows"). A value: one of the named constructors
/// makes it. When more becomes known, a new Outcome is made from it.
class Outcome {
public:
    /// Nothing is decided yet, or the request was refused before it was read. Like `bypass` without
    /// a reason.
    Outcome() = default;

    // ---- from the cache

    /// Fresh, from the cache. An expired entry that the client takes by max-stale shows as STALE.
    static Outcome hit(const StoredResponse& entry, WallTime now);
    /// Expired, served while one request refreshes it. A soft purge makes an entry expired however
    /// much of its lifetime is left: the ttl that is shown is negative then.
    static Outcome updating(const StoredResponse& entry, bool soft_purged, WallTime now);
    /// Expired, served because the origin failed.
    static Outcome stale(const StoredResponse& entry, bool soft_purged, WallTime now);

    // ---- from a fetch

    /// To be fetched: MISS, or EXPIRED where an entry was there.
    static Outcome missed(const MissedRead& read);
    /// A fetched response is passed on.
    static Outcome fetched(const MissedRead& read, const FetchedResult& result);
    /// The origin confirmed the entry (304). `not_stored`: why the result is not kept.
    static Outcome revalidated(const MissedRead& read, const StoredResponse& entry,
                               Detail not_stored, WallTime now);
    /// The origin's answer to HEAD brought the entry's fields up to date.
    static Outcome updated(const StoredResponse& entry, Detail not_stored, WallTime now);
    /// Another instance's fetch brought the entry.
    static Outcome fetched_elsewhere(const MissedRead& read, const StoredResponse& entry,
                                     WallTime now);
    /// The fetch failed, and larder answers with an error.
    static Outcome fetch_failed(const MissedRead& read, Detail why);

    // ---- past the cache

    /// A GET or HEAD that the cache has no part in, and why.
    static Outcome bypass(Detail why);
    /// Any other method.
    static Outcome method();
    /// `bypass` or `method`, as the request's method is.
    static Outcome passed(http::Method method, Detail why);

    // ---- more became known

    /// The origin answered a request that is passed on.
    [[nodiscard]] Outcome forwarded(int origin_status) const;
    /// The response that is passed on may not be stored, or need not be.
    [[nodiscard]] Outcome kept_out(Detail why) const;
    /// larder answers with an error instead of the planned response.
    [[nodiscard]] Outcome error(Detail why) const;
    /// Redis did not acknowledge the purge of this write.
    [[nodiscard]] Outcome purge_owed() const;
    /// The client took nothing of the body for too long, and was reset.
    [[nodiscard]] Outcome client_stalled() const;

    // ---- what log and metrics take

    [[nodiscard]] XCache x_cache() const { return x_cache_; }
    [[nodiscard]] Detail detail() const { return detail_; }
    /// Seconds; negative: not from the cache.
    [[nodiscard]] std::int64_t age() const { return age_; }
    /// Why a response that was fetched is not stored; none: it is, or there was none.
    [[nodiscard]] Detail not_stored() const { return not_stored_; }
    /// Another request's fetch answers.
    [[nodiscard]] bool coalesced() const { return coalesced_; }
    /// How long the origin took for the stored response that now answers in its place.
    [[nodiscard]] std::chrono::nanoseconds saved() const { return saved_; }

    enum class AgeField : std::uint8_t { shown, hidden };
    /// Appends Age, X-Cache and larder's own Cache-Status line as the configuration wants them.
    /// `key` empty: not shown.
    void append_fields(const settings::Headers& headers, std::string_view key, AgeField age,
                       std::string& out) const;

private:
    static Outcome from_entry(XCache word, const StoredResponse& entry, WallTime now);
    void append_cache_status(const settings::Headers& headers, std::string_view key,
                             std::string& out) const;
    [[nodiscard]] Outcome because(Detail why) const;
    void show_as_stale() { ttl_ = std::min<std::int64_t>(ttl_, -1); }

    XCache x_cache_ = XCache::bypass;
    Forward forward_ = Forward::bypass;
    Detail detail_ = Detail::none;
    Detail not_stored_ = Detail::none;
    bool stored_ = false;
    bool collapsed_ = false;
    bool coalesced_ = false;
    int forward_status_ = 0;  ///< the origin's status; 0: none
    std::int64_t ttl_ = 0;    ///< of a hit, negative where stale
    std::int64_t age_ = -1;   ///< sent as Age; negative: not from the cache
    std::chrono::nanoseconds saved_{0};
};

}  // namespace larder::cache
