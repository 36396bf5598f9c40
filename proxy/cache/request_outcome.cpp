#include "cache/request_outcome.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "cache/freshness.hpp"

namespace larder::cache {
namespace {

constexpr std::string_view forward_tokens[] = {"",       "uri-miss", "vary-miss", "stale",
                                               "bypass", "method",   "request"};
static_assert(std::size(forward_tokens) == static_cast<std::size_t>(Forward::request) + 1);

// RFC 8941, 3.3.3: a string holds printable ASCII with '"' and '\' escaped.
void append_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c >= ' ' && c < 0x7f) out += c;
    }
    out += '"';
}

// Whether the cache forwarded the request: then fwd-status shows what the origin answered. A
// request that passes by the cache gets the origin's response, whose own status shows it.
bool forwarded_by_cache(Forward forward) {
    return forward == Forward::uri_miss || forward == Forward::vary_miss ||
           forward == Forward::stale;
}

}  // namespace

Outcome Outcome::from_entry(XCache word, const StoredResponse& entry, WallTime now) {
    Outcome out;
    out.x_cache_ = word;
    out.age_ = current_age(entry.freshness(), now).count();
    return out;
}

Outcome Outcome::hit(const StoredResponse& entry, WallTime now) {
    const Freshness freshness = entry.freshness();
    Outcome out;
    out.x_cache_ = XCache::hit;
    out.age_ = current_age(freshness, now).count();
    out.forward_ = Forward::none;
    out.ttl_ = remaining_lifetime(freshness, now).count();
    if (out.ttl_ < 0) out.x_cache_ = XCache::stale;
    out.saved_ = freshness.received_at - freshness.requested_at;
    return out;
}

Outcome Outcome::updating(const StoredResponse& entry, bool soft_purged, WallTime now) {
    Outcome out = hit(entry, now);
    out.x_cache_ = XCache::updating;
    out.detail_ = Detail::revalidating;
    if (soft_purged) out.show_as_stale();
    return out;
}

Outcome Outcome::stale(const StoredResponse& entry, bool soft_purged, WallTime now) {
    Outcome out = hit(entry, now);
    out.x_cache_ = XCache::stale;
    if (soft_purged) out.show_as_stale();
    out.detail_ = Detail::origin_error;
    return out;
}

Outcome Outcome::missed(const MissedRead& read) {
    Outcome out;
    out.x_cache_ = read.expired ? XCache::expired : XCache::miss;
    out.forward_ = read.expired         ? Forward::stale
                   : read.other_variant ? Forward::vary_miss
                                        : Forward::uri_miss;
    return out;
}

Outcome Outcome::fetched(const MissedRead& read, const FetchedResult& result) {
    const bool no_redis =
        result.not_stored == Detail::redis_down || result.not_stored == Detail::redis_timeout;
    const bool personal = read.personal != Detail::none && result.not_stored == read.personal;
    Outcome out = no_redis || personal ? Outcome() : missed(read);
    out.forward_status_ = result.status;
    out.collapsed_ = out.coalesced_ = read.joined;
    out.not_stored_ = result.not_stored;
    out.stored_ = result.not_stored == Detail::none && result.get;
    out.detail_ = result.not_stored == Detail::none ? result.missed : result.not_stored;
    if (out.stored_ && result.doubt != Detail::none) {
        out.stored_ = false;
        out.detail_ = result.doubt;
    }
    if (read.asked) {
        out.x_cache_ = XCache::bypass;
        out.forward_ = Forward::request;
    }
    if (read.shadow) {
        out.x_cache_ = XCache::bypass;
        out.forward_ = Forward::bypass;
        out.detail_ = Detail::shadow;
        out.stored_ = false;
    }
    return out;
}

Outcome Outcome::revalidated(const MissedRead& read, const StoredResponse& entry, Detail not_stored,
                             WallTime now) {
    Outcome out = from_entry(read.asked ? XCache::bypass : XCache::revalidated, entry, now);
    out.forward_ = read.asked ? Forward::request : Forward::stale;
    out.forward_status_ = 304;
    out.stored_ = not_stored == Detail::none;
    out.detail_ = out.not_stored_ = not_stored;
    out.collapsed_ = out.coalesced_ = read.joined;
    return out;
}

Outcome Outcome::updated(const StoredResponse& entry, Detail not_stored, WallTime now) {
    Outcome out = from_entry(XCache::expired, entry, now);
    out.forward_ = Forward::stale;
    out.forward_status_ = 200;
    out.stored_ = not_stored == Detail::none;
    out.detail_ = out.not_stored_ = not_stored;
    return out;
}

Outcome Outcome::fetched_elsewhere(const MissedRead& read, const StoredResponse& entry,
                                   WallTime now) {
    Outcome out = from_entry(read.expired ? XCache::expired : XCache::miss, entry, now);
    out.forward_ = read.expired ? Forward::stale : Forward::uri_miss;
    out.collapsed_ = out.coalesced_ = true;
    if (read.asked) {
        out.x_cache_ = XCache::bypass;
        out.forward_ = Forward::request;
    }
    return out;
}

Outcome Outcome::fetch_failed(const MissedRead& read, Detail why) {
    Outcome out;
    out.x_cache_ = read.expired ? XCache::expired : XCache::miss;
    out.forward_ = read.expired ? Forward::stale : Forward::uri_miss;
    out.coalesced_ = read.joined;
    out.detail_ = why;
    return out;
}

Outcome Outcome::bypass(Detail why) { return Outcome().because(why); }

Outcome Outcome::method() {
    Outcome out;
    out.forward_ = Forward::method;
    return out;
}

Outcome Outcome::passed(http::Method method, Detail why) {
    const bool readable = method == http::Method::get || method == http::Method::head;
    return readable ? bypass(why) : Outcome::method();
}

Outcome Outcome::because(Detail why) const {
    Outcome out = *this;
    out.detail_ = why;
    return out;
}

Outcome Outcome::forwarded(int origin_status) const {
    Outcome out = *this;
    out.forward_status_ = origin_status;
    return out;
}

Outcome Outcome::kept_out(Detail why) const {
    Outcome out = because(why);
    out.not_stored_ = why;
    return out;
}

Outcome Outcome::error(Detail why) const { return because(why); }
Outcome Outcome::purge_owed() const { return because(Detail::redis_down); }
Outcome Outcome::client_stalled() const { return because(Detail::client_timeout); }

void Outcome::append_fields(const settings::Headers& headers, std::string_view key, AgeField age,
                            std::string& out) const {
    if (age_ >= 0 && age == AgeField::shown) {
        out += "Age: ";
        append_decimal(out, age_);
        out += "\r\n";
    }
    if (headers.x_cache) {
        out += "X-Cache: ";
        out += to_word(x_cache_);
        out += "\r\n";
    }
    if (headers.cache_status) append_cache_status(headers, key, out);
}

void Outcome::append_cache_status(const settings::Headers& headers, std::string_view key,
                                  std::string& out) const {
    out += "Cache-Status: larder; ";
    if (forward_ == Forward::none) {
        out += "hit; ttl=";
        append_decimal(out, ttl_);
    } else {
        out += "fwd=";
        out += forward_tokens[static_cast<std::size_t>(forward_)];
        if (forward_status_ != 0 && forwarded_by_cache(forward_)) {
            out += "; fwd-status=";
            append_decimal(out, forward_status_);
        }
        if (stored_) out += "; stored";
        if (collapsed_) out += "; collapsed";
    }
    if (detail_ != Detail::none) {
        out += "; detail=";
        out += to_token(detail_);
    }
    if (headers.cache_key && !key.empty()) {
        out += "; key=";
        append_string(key, out);
    }
    out += "\r\n";
}

}  // namespace larder::cache
