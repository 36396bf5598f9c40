#include "redis/vouching.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "redis/ids.hpp"
#include "redis/news.hpp"
#include "redis/purge.hpp"
#include "redis/redirect.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

// Caching is to resume within 2 s of Redis' return, reconnecting (RedisLink's longest pause) and
// the replay included.
constexpr Milliseconds peers_wait = 900ms;
constexpr Milliseconds others_wait = 1200ms;  // longer: an instance that can vouch goes first
constexpr Milliseconds ask_every = 40ms;
constexpr Milliseconds look_every = 5ms;
constexpr Milliseconds mark_lifetime = 24h * 7;
constexpr Milliseconds presence_lifetime = 24h;

Milliseconds step_of(const RedisShared& shared) {
    return std::max(shared.settings().timeout, Milliseconds(100));
}

RedisBatchPointer new_batch(const RedisShared& shared, std::uint64_t epoch) {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + step_of(shared);
    batch->epoch = epoch;
    return batch;
}

/// The hash tag of what stands on the link's server.
std::string home_of(const RedisLink& link, const RedisShared& shared) {
    return shared.keys().home_of(shared.fleet().home_slot(link.node().lane()));
}

/// What a server of a cluster must hear of the history: what touches its slots.
std::vector<PurgeHistory::Placed> items_for(const RedisNode& node, const RedisShared& shared,
                                            std::vector<PurgeHistory::Placed> items) {
    if (!node.is_of_cluster()) return items;
    std::erase_if(items, [&](const PurgeHistory::Placed& placed) {
        const std::vector<int> slots = shared.keys().slots_of(placed.item);
        return !slots.empty() && std::none_of(slots.begin(), slots.end(), [&](int slot) {
            return shared.fleet().lane_of(slot) == node.lane();
        });
    });
    return items;
}

RedisWay way_to(std::shared_ptr<RedisLink> link, RedisShared& shared) {
    if (shared.fleet().is_cluster()) return {shared, nullptr};
    return {shared, std::move(link)};
}

/// Epochs only rise: where this holds before and after something was acknowledged, the server of
/// that epoch has acknowledged it.
bool leads_to(const RedisLink& link, std::uint64_t epoch) {
    return link.epoch() == epoch && link.node().epochs().current() == epoch;
}

bool still_this(const RedisLink& link, std::uint64_t epoch) {
    return link.usable() && leads_to(link, epoch);
}

/// Brings the history to the server, in the order in which it was remembered. False: some of it was
/// not acknowledged; the next call goes on from there. What is remembered meanwhile goes to the
/// server by itself, or is owed to it.
Task<bool> replay(std::shared_ptr<RedisLink> link, RedisShared& shared, ServerMeeting& meeting,
                  PurgePace& pace) {
    const std::uint64_t epoch = meeting.epoch();
    const std::uint64_t replayed = meeting.replayed(shared.fleet().version());
    const std::vector<PurgeHistory::Placed> items =
        items_for(link->node(), shared, shared.history().after(replayed, steady_now()));
    PurgeRun how;
    how.step = step_of(shared);
    how.epoch = epoch;
    if (link->node().is_of_cluster()) how.scanned_lane = link->node().lane();
    const RedisWay way = way_to(link, shared);
    for (std::size_t at = 0; at < items.size();) {
        if (!leads_to(*link, epoch)) co_return false;
        const std::size_t end = portion_end(items, at, pace);
        std::vector<PurgeItem> portion = items_of(items, at, end);
        const bool done = co_await run_portion(way, std::move(portion), how, pace);
        if (!done || !leads_to(*link, epoch)) co_return false;
        meeting.acknowledged(items[end - 1].position);
        at = end;
    }
    co_return true;
}

/// Asks what decide_vouching needs; `facts.waited` is the caller's.
Task<bool> look_at_server(std::shared_ptr<RedisLink> link, RedisShared& shared, std::uint64_t epoch,
                          VouchingFacts& facts) {
    const RedisKeys& keys = shared.keys();
    const std::string server = link->node().epochs().server();
    const std::vector<std::string> marks = link->node().marks().names();
    const bool in_cluster = link->node().is_of_cluster();
    const std::string home = home_of(*link, shared);
    const std::string present = keys.present(server, home);
    const RedisBatchPointer batch = new_batch(shared, epoch);
    // Before anything of this instance is there.
    if (in_cluster) batch->commands.add("DBSIZE");
    if (!in_cluster) batch->commands.add("EXISTS", keys.everything_ids().front());
    batch->commands.add("HSET", present, shared.instance(), "1");
    batch->commands.add("PEXPIRE", present, presence_lifetime.count());
    batch->commands.add("GET", keys.vouched(home));
    batch->commands.add("HKEYS", present);
    for (const std::string& mark : marks) batch->commands.add("EXISTS", keys.mark(mark, home));
    co_await link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const std::vector<RedisReply>& replies = batch->replies;
    // A slot has moved on meanwhile, so what was asked for stands elsewhere.
    const bool moved =
        in_cluster && std::any_of(replies.begin() + 1, replies.end(), [](const RedisReply& reply) {
            return read_redirect(reply).kind != Redirect::Kind::none;
        });
    if (moved) shared.map_is_old();
    if (moved) co_return false;
    facts.vouched = replies[3].is_text() && replies[3].text == server;
    // A node may hold no more than a tag's id: one that is old would make entries of other nodes
    // valid again.
    facts.has_entries = replies[0].is_error() || replies[0].integer != 0;
    const auto there = [&](const std::string& peer) {
        return std::any_of(replies[4].items.begin(), replies[4].items.end(),
                           [&](const RedisReply& name) { return name.text == peer; });
    };
    const std::vector<std::string> peers = shared.peers().alive();
    facts.all_present = std::all_of(peers.begin(), peers.end(), there);
    facts.has_mark = !link->node().hears_another_server() &&
                     std::any_of(replies.begin() + 5, replies.end(),
                                 [](const RedisReply& mark) { return mark.integer == 1; });
    co_return true;
}

/// Vouches for the server. The other instances learn it from Redis. If Redis is full and does not
/// take the note, this instance reads alone.
Task<bool> vouch(std::shared_ptr<RedisLink> link, RedisShared& shared, std::uint64_t epoch,
                 bool purge_first) {
    const RedisKeys& keys = shared.keys();
    const bool in_cluster = link->node().is_of_cluster();
    if (in_cluster && purge_first) {
        // The ids that stand on this node may make entries of all nodes valid.
        PurgeRun how;
        how.step = step_of(shared);
        const std::vector<PurgeItem> all{purge_everything()};
        const RedisWay way = way_to(link, shared);
        const bool purged = co_await run_purges(way, all, how);
        if (!purged) co_return false;
        purge_first = false;
    }
    const RedisBatchPointer batch = new_batch(shared, epoch);
    if (purge_first) batch->commands.add("DEL", keys.everything_ids().front());
    if (!in_cluster) batch->commands.add("SET", keys.everything_ids().front(), random_id(), "NX");
    batch->commands.add("SET", keys.vouched(home_of(*link, shared)),
                        link->node().epochs().server());
    co_await link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    co_return !purge_first || !batch->replies.front().is_error();
}

}  // namespace

Vouching decide_vouching(const VouchingFacts& facts) {
    if (facts.vouched) return Vouching::read;
    if (!facts.has_entries) return Vouching::vouch;  // there is nothing that could be old
    if (facts.has_mark && facts.all_present) return Vouching::vouch;
    const Milliseconds longest = facts.has_mark ? peers_wait : others_wait;
    return facts.waited < longest ? Vouching::wait : Vouching::purge_everything;
}

Task<bool> clear_server(std::shared_ptr<RedisLink> link, RedisShared& shared,
                        ServerMeeting& meeting, PurgePace& pace) {
    const std::uint64_t epoch = meeting.epoch();
    const auto executor = co_await boost::asio::this_coro::executor;
    Timer pause(executor);
    // The history is complete once everything has been heard that the previous server has sent.
    while (link->node().hears_another_server() && steady_now() - meeting.at() < peers_wait) {
        pause.expires_after(look_every);
        [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
        if (!still_this(*link, epoch)) co_return false;
    }
    const bool replayed = co_await replay(link, shared, meeting, pace);
    if (!replayed) co_return false;
    while (true) {
        VouchingFacts facts;
        const bool looked = co_await look_at_server(link, shared, epoch, facts);
        if (!looked || !still_this(*link, epoch)) co_return false;
        facts.waited = std::chrono::duration_cast<Milliseconds>(steady_now() - meeting.at());
        const Vouching decision = decide_vouching(facts);
        if (decision == Vouching::read) break;
        if (decision == Vouching::wait) {
            pause.expires_after(ask_every);
            [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
            continue;
        }
        const bool purge_first = decision == Vouching::purge_everything;
        if (purge_first) {
            spdlog::warn(
                "Redis came back, or was met, with data that may be older "
                "than the last purges: "
                "all that is stored in it is invalid now");
            shared.generations().purge_all();
        }
        const bool done = co_await vouch(link, shared, epoch, purge_first);
        if (!done || !still_this(*link, epoch)) co_return false;
        break;
    }
    // Until the subscriber listens here, the purges of others are not heard. The marks have vouched
    // for this server; for a later one they prove nothing.
    if (!link->node().epochs().is_first(epoch)) link->node().marks().news_missed();
    link->node().forget_everything_id();
    link->node().epochs().clear(epoch);
    co_return true;
}

Task<void> leave_mark(std::shared_ptr<RedisLink> link, RedisShared& shared) {
    const std::uint64_t version = link->node().marks().version();
    std::vector<std::string> marks = link->node().marks().names();
    if (marks.empty()) marks.push_back(shared.instance() + ":" + random_id());
    const std::string home = home_of(*link, shared);
    const RedisBatchPointer batch = new_batch(shared, link->node().epochs().cleared());
    for (const std::string& mark : marks)
        batch->commands.add("SET", shared.keys().mark(mark, home), "1", "PX",
                            mark_lifetime.count());
    // The slot where it stood may be another node's now.
    if (link->node().is_of_cluster())
        batch->commands.add("SET", shared.keys().vouched(home), link->node().epochs().server());
    co_await link->async_run(batch);
    const bool done = batch->status == RedisBatch::Status::ok && !batch->replies.front().is_error();
    if (done) link->node().marks().set(std::move(marks), version);
}

Task<void> read_everything_id(std::shared_ptr<RedisLink> link, RedisShared& shared) {
    const std::uint64_t version = link->node().everything_version();
    const std::uint64_t epoch = link->node().epochs().cleared();
    const std::int64_t heard_by = link->tracked_by();
    const RedisKeys& keys = shared.keys();
    const RedisBatchPointer batch = new_batch(shared, epoch);
    const std::string& everything = keys.everything_ids().front();
    batch->commands.add("SET", everything, random_id(), "NX");
    if (!link->node().tracks_all()) batch->commands.add("CLIENT", "CACHING", "YES");
    batch->commands.add("GET", everything);
    co_await link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return;
    const bool tracked =
        heard_by != 0 && heard_by == link->tracked_by() && heard_by == link->node().subscriber();
    const auto id = parse_id(batch->replies.back().text);
    if (tracked && id) link->node().set_everything(*id, version, epoch);
}

void tell_presence(const RedisWay& way) {
    const RedisBatchPointer batch = new_batch(way.shared, 0);
    batch->commands.add("PUBLISH", way.shared.keys().news(),
                        encode_news({News::Kind::here, way.shared.instance()}));
    way.send(batch);
}

}  // namespace larder::redis
