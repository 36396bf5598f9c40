#include <algorithm>

#include "cache/preconditions.hpp"
#include "cache/ranges.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/hold_up_watch.hpp"
#include "flow/read_plan.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using cache::XCache;
using store::Fetch;
using store::FetchState;

// How a fetched response is shown (proxy/README.md, "What a response shows").
void show_fetched(Exchange& exchange, const Joining& joining, const ReadPlan& plan,
                  const store::FetchedHead& head) {
    Outcome& outcome = exchange.outcome;
    outcome = {};
    outcome.forward_status = head.status;
    outcome.collapsed = !joining.own;
    outcome.stored =
        head.not_stored == Detail::none && exchange.request.method == http::Method::get;
    outcome.detail = head.not_stored == Detail::none ? head.missed : head.not_stored;
    if (outcome.stored && head.doubt != Detail::none) {
        outcome.stored = false;
        outcome.detail = head.doubt;
    }
    exchange.not_stored = head.not_stored;
    exchange.coalesced = !joining.own;
    if (head.not_stored == Detail::redis_down || head.not_stored == Detail::redis_timeout ||
        (plan.personal != Detail::none && head.not_stored == plan.personal)) {
        outcome.x_cache = XCache::bypass;
        outcome.forward = Forward::bypass;
    } else {
        outcome.x_cache = joining.expired ? XCache::expired : XCache::miss;
        outcome.forward = joining.expired         ? Forward::stale
                          : joining.other_variant ? Forward::vary_miss
                                                  : Forward::uri_miss;
    }
    if (joining.asked || plan.directives.no_cache || plan.directives.no_store) {
        outcome.x_cache = XCache::bypass;
        outcome.forward = Forward::request;
    }
    if (plan.route->rule.shadow) {
        outcome.x_cache = XCache::bypass;
        outcome.forward = Forward::bypass;
        outcome.detail = Detail::shadow;
        outcome.stored = false;
    }
}

void show_resolved(Exchange& exchange, const Joining& joining, const cache::StoredResponse& entry) {
    const store::Resolution resolution = joining.fetch->resolution();
    const Detail not_stored = joining.fetch->not_stored();
    if (resolution == store::Resolution::found) {
        show_hit(exchange, entry, XCache::hit, Detail::none, wall_now());
        return;
    }
    if (resolution == store::Resolution::updated) {
        show_hit(exchange, entry, XCache::expired, Detail::none, wall_now());
        exchange.saved = {};
        exchange.outcome.forward = Forward::stale;
        exchange.outcome.forward_status = 200;
        exchange.outcome.stored = not_stored == Detail::none;
        exchange.outcome.detail = not_stored;
        exchange.not_stored = not_stored;
        return;
    }
    const bool revalidated = resolution == store::Resolution::revalidated;
    show_hit(exchange, entry,
             revalidated       ? XCache::revalidated
             : joining.expired ? XCache::expired
                               : XCache::miss,
             Detail::none, wall_now());
    exchange.saved = {};
    exchange.outcome.forward = revalidated || joining.expired ? Forward::stale : Forward::uri_miss;
    exchange.outcome.forward_status = revalidated ? 304 : 0;
    exchange.outcome.stored = revalidated && not_stored == Detail::none;
    if (revalidated) exchange.outcome.detail = exchange.not_stored = not_stored;
    exchange.outcome.collapsed = !joining.own || !revalidated;
    exchange.coalesced = exchange.outcome.collapsed;
    if (!joining.asked) return;
    exchange.outcome.x_cache = XCache::bypass;
    exchange.outcome.forward = Forward::request;
}

// The stale entry that may answer in the origin's place. It was looked up before the origin was
// asked, which may be long ago: a purge since then forbids it. Null: none.
net::Task<cache::Stored> stale_instead(Client& client, const ReadPlan& plan,
                                       const Joining& joining) {
    cache::Stored stale = joining.stale;
    bool soft_purged = joining.soft_purged;
    if (stale && client.services.redis) {
        redis::RedisBudget budget;
        const redis::EntryName name = entry_name(client.exchange(), plan);
        redis::Found found = co_await client.services.redis->find(name, budget);
        stale = std::move(found.entry);
        soft_purged = found.soft_purged;
    }
    if (stale && !client.services.redis &&
        !client.services.memory.may_serve(client.exchange().key, *stale))
        stale.reset();
    if (stale && !cache::may_serve_on_error(*stale, plan.directives, soft_purged, wall_now()))
        stale.reset();
    co_return stale;
}

net::Task<void> answer_failure(Client& client, const ReadPlan& plan, const Joining& joining) {
    const cache::Stored stale = co_await stale_instead(client, plan, joining);
    if (stale) {
        show_hit(client.exchange(), *stale, XCache::stale, Detail::origin_error, wall_now());
        co_await answer_from_entry(client, stale);
        co_return;
    }
    const store::FetchFailure failure = joining.fetch->failure();
    client.exchange().outcome = {};
    client.exchange().outcome.x_cache = joining.expired ? XCache::expired : XCache::miss;
    client.exchange().outcome.forward = joining.expired ? Forward::stale : Forward::uri_miss;
    client.exchange().coalesced = !joining.own;
    co_await answer_error(client, failure.status, failure.detail, failure.message, false);
}

// A part of the body that passes by, for a Range request answered by a fetch under way.
class Window {
public:
    explicit Window(std::uint64_t first = 0, std::uint64_t last = UINT64_MAX)
        : first_(first), last_(last) {}
    std::string_view cut(std::string_view data) {
        const std::uint64_t begin = position_;
        position_ += data.size();
        if (position_ <= first_ || begin > last_) return {};
        const std::uint64_t from = first_ > begin ? first_ - begin : 0;
        const std::uint64_t to = last_ < position_ - 1 ? last_ - begin + 1 : data.size();
        return data.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
    }
    [[nodiscard]] bool passed() const { return position_ > last_; }

private:
    std::uint64_t first_;
    std::uint64_t last_;
    std::uint64_t position_ = 0;
};

// Drops the lines of one field from a head of lines with CRLF.
template <class IsIt>
void drop_lines_if(std::string& lines, IsIt is_it) {
    std::size_t at = lines.find("\r\n");
    while (at != std::string::npos && at + 2 < lines.size()) {
        const std::size_t begin = at + 2;
        const std::size_t end = lines.find("\r\n", begin);
        const std::size_t colon = lines.find(':', begin);
        if (colon < end && is_it(std::string_view(lines).substr(begin, colon - begin))) {
            lines.erase(begin, end + 2 - begin);
        } else {
            at = end;
        }
    }
}

void drop_lines(std::string& lines, http::FieldId id) {
    drop_lines_if(lines, [id](std::string_view name) { return http::field_id(name) == id; });
}

// Replaces the status line.
void set_status(std::string& lines, int status) {
    std::string line = "HTTP/1.1 ";
    append_decimal(line, status);
    line += ' ';
    line += reason_phrase(status);
    lines.replace(0, lines.find("\r\n"), line);
}

// Sets the head for what the client asked: the whole, a 304, or a part.
Window set_head(Client& client, const store::FetchedHead& head, bool own, ResponseSender& sender,
                bool& bodyless) {
    const http::RequestHead& request = client.request();
    std::string lines = head.lines;
    if (!own)
        for (const std::string& name : head.omit)
            drop_lines_if(lines, [&name](std::string_view other) { return iequals(name, other); });
    bodyless = false;
    if (head.status == 200) {
        if (cache::evaluate_preconditions(request, head.etag, head.last_modified) ==
            cache::Precondition::not_modified) {
            set_status(lines, 304);
            for (const http::FieldId id :
                 {http::FieldId::content_length, http::FieldId::content_encoding,
                  http::FieldId::content_type})
                drop_lines(lines, id);
            sender.set_head(lines, 304, 0, true);
            bodyless = true;
            return Window();
        }
        if (head.length && request.method == http::Method::get &&
            request.fields.has(http::FieldId::range)) {
            const cache::RangeDecision range =
                cache::decide_range(request, head.etag, head.last_modified, *head.length);
            if (range.verdict != cache::RangeVerdict::whole) {
                const bool partial = range.verdict == cache::RangeVerdict::partial;
                const std::string part = partial ? std::to_string(range.range.first) + "-" +
                                                       std::to_string(range.range.last)
                                                 : "*";
                set_status(lines, partial ? 206 : 416);
                drop_lines(lines, http::FieldId::content_length);
                lines +=
                    "Content-Range: bytes " + part + "/" + std::to_string(*head.length) + "\r\n";
                const std::uint64_t size = partial ? range.range.last - range.range.first + 1 : 0;
                sender.set_head(lines, partial ? 206 : 416, size, false);
                bodyless = !partial;
                return partial ? Window(range.range.first, range.range.last) : Window();
            }
        }
    }
    sender.set_head(lines, head.status, head.length, head.lines_have_length);
    return Window();
}

// A part of something large that is not stored: the origin need not send the rest.
bool better_asked_for_a_part(const http::RequestHead& request, const ReadPlan& plan,
                             const store::FetchedHead& head) {
    constexpr std::uint64_t large_bytes = 256 * 1024;
    if (head.status != 200 || head.shareable || plan.route->rule.shadow || !head.length ||
        *head.length < large_bytes)
        return false;
    return request.method == http::Method::get && request.fields.has(http::FieldId::range);
}

net::Task<void> stream_body(Client& client, Fetch::Reader& reader, const store::FetchPtr& fetch,
                            bool own) {
    ResponseSender sender(client);
    bool bodyless = false;
    Window window = set_head(client, fetch->head(), own, sender, bodyless);
    if (bodyless) {
        const bool sent = co_await sender.body(std::string_view(), true);
        static_cast<void>(sent);
        co_return;
    }
    bool head_sent = false;
    while (true) {
        const Fetch::Reader::View view = reader.next();
        if (!view.data.empty()) {
            const std::string_view part = window.cut(view.data);
            if (!part.empty() || !head_sent) {
                const bool sent = co_await sender.body(part, false);
                if (!sent) co_return;
                head_sent = true;
            }
            if (window.passed()) break;
            continue;
        }
        if (view.state == FetchState::cut) {
            if (!head_sent) {
                const bool sent = co_await sender.body(std::string_view(), false);
                static_cast<void>(sent);
            }
            sender.break_off();
            co_return;
        }
        if (view.at_end) break;
        if (!head_sent) {
            const bool sent = co_await sender.body(std::string_view(), false);
            if (!sent) co_return;
            head_sent = true;
            continue;  // the fetch may have moved on meanwhile
        }
        const bool goes_on = co_await reader.wait_for_change(SteadyTime::max());
        if (!goes_on) {
            sender.break_off();
            co_return;
        }
    }
    const bool sent = co_await sender.end(fetch->trailers());
    static_cast<void>(sent);
}

// Whether no purge of one of the tags came since the fetch began, as far as this process knows.
bool tags_valid_here(Client& client, const Fetch& fetch, const std::vector<std::string>& tags) {
    return std::all_of(tags.begin(), tags.end(), [&](const std::string& tag) {
        const std::uint32_t slot = store::Generations::slot_of_response_tag(tag);
        return client.services.generations.valid({&slot, 1}, fetch.guards.sequence);
    });
}

}  // namespace

net::Task<bool> tags_current(Client& client, store::FetchPtr fetch, redis::RedisBudget& budget) {
    std::vector<std::string> tags;
    if (fetch->state() == FetchState::resolved) {
        const cache::Stored entry = fetch->entry();
        for (const cache::TagId& tag : entry->response_tags) tags.push_back(tag.name);
    } else {
        tags = fetch->head().tags;
    }
    if (!tags_valid_here(client, *fetch, tags)) co_return false;
    const std::shared_ptr<const redis::Lease> lease = fetch->lease();
    if (!client.services.redis || !lease || tags.empty()) co_return true;
    const bool current = co_await client.services.redis->tags_current(*lease, tags, budget);
    // Where Redis had no room for the purge clock, what was heard meanwhile tells.
    co_return current&& tags_valid_here(client, *fetch, tags);
}

net::Task<FetchAnswer> answer_from_fetch(Client& client, ReadPlan plan, Joining joining) {
    Fetch::Reader reader(joining.fetch, client.services.executor());
    const HoldUpWatch watch(client, reader);
    if (reader.too_late()) co_return FetchAnswer::alone;
    const SteadyTime give_up =
        joining.own ? SteadyTime::max() : steady_now() + plan.route->rule.wait;
    while (true) {
        const FetchState state = reader.state();
        if (joining.own && client.request().minor_version >= 1) {
            const std::vector<std::string> interim = reader.take_interim();
            for (const std::string& lines : interim) {
                ResponseSender sender(client);
                const bool sent = co_await sender.interim(lines);
                static_cast<void>(sent);
            }
        }
        if (state == FetchState::failed) {
            // Others may be luckier than the one who led; where the origin is slow, all have waited
            // long enough.
            const bool again = !joining.own && !joining.retried && !joining.stale &&
                               joining.fetch->failure().detail == Detail::origin_error;
            if (again) co_return FetchAnswer::failed;
            co_await answer_failure(client, plan, joining);
            co_return FetchAnswer::sent;
        }
        if (state == FetchState::resolved) {
            const cache::Stored entry = joining.fetch->entry();
            if (!joining.own) {
                const bool current = co_await tags_current(client, joining.fetch, *joining.budget);
                if (!current) co_return FetchAnswer::purged;
                std::string variant;
                cache::build_variant(client.request(), entry->vary, plan.with_host, variant);
                if (variant != entry->variant || !cache::accepts_coding(client.request(), *entry))
                    co_return FetchAnswer::variant;
            }
            show_resolved(client.exchange(), joining, *entry);
            co_await answer_from_entry(client, entry);
            co_return FetchAnswer::sent;
        }
        if (state != FetchState::pending) break;
        if (!joining.own && (joining.fetch->waiters_released() || steady_now() >= give_up))
            co_return FetchAnswer::alone;
        const bool goes_on = co_await reader.wait_for_change(give_up);
        if (!goes_on) {
            client.exchange().keep_alive = false;
            co_return FetchAnswer::sent;
        }
    }
    const store::FetchedHead& head = joining.fetch->head();
    if (joining.own && better_asked_for_a_part(client.request(), plan, head))
        co_return FetchAnswer::alone;
    if (!joining.own) {
        if (!head.shareable) co_return FetchAnswer::alone;
        const bool current = co_await tags_current(client, joining.fetch, *joining.budget);
        if (!current) co_return FetchAnswer::purged;
        std::string variant;
        cache::build_variant(client.request(), head.vary, plan.with_host, variant);
        if (variant != head.variant) co_return FetchAnswer::variant;
    }
    show_fetched(client.exchange(), joining, plan, head);
    co_await stream_body(client, reader, joining.fetch, joining.own);
    co_return FetchAnswer::sent;
}

}  // namespace larder::flow
