#include "redis/purge_stream.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redis/link.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view group = "larder";
constexpr std::string_view entries_at_once = "64";
// An instance that has an entry for longer is taken for dead: its entries are done again, by
// another.
constexpr Milliseconds left_after = 3s;
constexpr Milliseconds look_for_left_every = 1s;
constexpr std::size_t items_max = 1000;  // of one entry
constexpr std::size_t item_bytes_max = 8192;

// As scripts, so that the key stands where it does in all others (RedisCommands::key).
constexpr Script make_group{
    R"(return redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM'))"};
constexpr Script read_group{R"(
return redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], '>'))"};

std::vector<std::string>* place_of(std::string_view name, StreamPurge& purge) {
    if (name == "key") return &purge.keys;
    if (name == "pattern") return &purge.patterns;
    if (name == "tag") return &purge.tags;
    if (name == "url") return &purge.urls;
    return nullptr;
}

RedisWay way_in(RedisShared& shared) {
    RedisWay way{shared, nullptr};
    if (!shared.fleet().is_cluster()) way.link = shared.node().usable_link(nullptr);
    return way;
}

}  // namespace

std::optional<StreamPurge> read_purge(const StreamEntry& entry, std::string& fault) {
    StreamPurge purge;
    std::size_t items = 0;
    for (const auto& [name, value] : entry.fields) {
        if (name == "soft") {
            if (value != "0" && value != "1") fault = "soft is 1 or 0";
            purge.soft = value == "1";
            continue;
        }
        std::vector<std::string>* const place = place_of(name, purge);
        if (place == nullptr) {
            fault = "a field that is none of key, pattern, tag, url and soft";
        } else if (value.empty() || value.size() > item_bytes_max || ++items > items_max) {
            fault = "an empty value, or too many or too long ones";
        } else if (name == "key" && value.find('*') != std::string::npos) {
            fault = "a key with '*': name patterns under pattern";
        } else {
            place->push_back(value);
        }
    }
    if (fault.empty() && items == 0) fault = "nothing to purge";
    if (!fault.empty()) return std::nullopt;
    return purge;
}

std::vector<StreamEntry> read_entries(const RedisReply& list) {
    std::vector<StreamEntry> entries;
    for (const RedisReply& item : list.items) {
        if (item.items.size() != 2 || !item.items[0].is_text()) continue;
        StreamEntry entry{item.items[0].text, {}};
        const std::vector<RedisReply>& fields = item.items[1].items;
        for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
            entry.fields.emplace_back(fields[i].text, fields[i + 1].text);
        entries.push_back(std::move(entry));
    }
    return entries;
}

bool is_later(const std::string& id, const std::string& than) {
    const auto parts = [](std::string_view text) {
        const std::size_t dash = std::min(text.find('-'), text.size());
        const auto time = parse_decimal(text.substr(0, dash));
        const auto number = parse_decimal(text.substr(std::min(dash + 1, text.size())));
        return std::pair{time.value_or(0), number.value_or(0)};
    };
    return parts(id) > parts(than);
}

PurgeStream::PurgeStream(RedisShared& shared)
    : shared_(shared), key_(shared.keys().entry(shared.settings().purge_stream)) {}

RedisBatchPointer PurgeStream::new_batch() const {
    auto batch = std::make_shared<RedisBatch>();
    batch->deadline = steady_now() + std::max(shared_.settings().timeout, Milliseconds(100));
    return batch;
}

std::uint64_t PurgeStream::epoch() const { return shared_.node_of(key_).epochs().cleared(); }

Task<bool> PurgeStream::run(RedisBatchPointer batch) {
    const RedisWay way = way_in(shared_);
    if (!way.link && !shared_.fleet().is_cluster()) co_return false;
    co_await way.run(batch);
    co_return batch->status == RedisBatch::Status::ok;
}

/// Makes the group, which begins with the first entry: what came before any instance ran counts.
Task<bool> PurgeStream::begin() {
    const std::uint64_t met = epoch();
    if (met == 0) co_return false;
    if (met == begun_epoch_) co_return true;
    const RedisBatchPointer batch = new_batch();
    batch->commands.run(make_group, "1", key_, group);
    const bool answered = co_await run(batch);
    if (!answered) co_return false;
    const RedisReply& reply = batch->replies.front();
    const bool there = !reply.is_error() || reply.is_error("BUSYGROUP");
    if (!there)
        shared_.reporter().failed(RedisWork::purge, classify_reply(reply.text), reply.text,
                                  "XGROUP");
    if (there) begun_epoch_ = met;
    waits_ = false;
    co_return there;
}

Task<PurgeStream::Read> PurgeStream::read(std::vector<StreamEntry>& entries) {
    entries.clear();
    const bool begun = co_await begin();
    if (!begun) co_return Read::failed;
    const SteadyTime now = steady_now();
    const bool claims = now - claimed_at_ >= look_for_left_every;
    const RedisBatchPointer batch = new_batch();
    batch->commands.run(read_group, "1", key_, group, shared_.instance(), entries_at_once);
    if (claims)
        batch->commands.add("XAUTOCLAIM", key_, group, shared_.instance(), left_after.count(), "0",
                            "COUNT", entries_at_once);
    const bool answered = co_await run(batch);
    if (!answered) co_return Read::failed;
    const RedisReply& fresh = batch->replies[0];
    if (fresh.is_error()) {
        begun_epoch_ = 0;  // the group may be gone
        if (!fresh.is_error("NOGROUP"))
            shared_.reporter().failed(RedisWork::purge, classify_reply(fresh.text), fresh.text,
                                      "XREADGROUP");
        co_return Read::failed;
    }
    if (!fresh.items.empty() && fresh.items[0].items.size() == 2)
        entries = read_entries(fresh.items[0].items[1]);
    if (!entries.empty()) delivered_ = entries.back().id;
    if (claims) {
        claimed_at_ = now;
        const RedisReply& left = batch->replies[1];
        if (left.items.size() >= 2)
            for (StreamEntry& entry : read_entries(left.items[1]))
                entries.push_back(std::move(entry));
    }
    co_return entries.empty() ? Read::nothing : Read::entries;
}

Task<void> PurgeStream::done(std::vector<std::string> ids) {
    if (ids.empty()) co_return;
    const RedisBatchPointer batch = new_batch();
    batch->commands.begin(3 + ids.size());
    batch->commands.argument("XACK");
    batch->commands.argument(key_);
    batch->commands.argument(group);
    for (const std::string& id : ids) batch->commands.argument(id);
    const bool answered = co_await run(batch);
    if (answered) co_await trim();
}

/// Removes the entries before the first that is not done.
Task<void> PurgeStream::trim() {
    const RedisBatchPointer look = new_batch();
    look->commands.add("XPENDING", key_, group);
    const bool answered = co_await run(look);
    if (!answered || look->replies[0].items.size() < 2) co_return;
    const std::vector<RedisReply>& pending = look->replies[0].items;
    const std::string first = pending[0].integer == 0 ? delivered_ : pending[1].text;
    const RedisBatchPointer cut = new_batch();
    cut->commands.add("XTRIM", key_, "MINID", first);
    const bool ignored = co_await run(cut);
    static_cast<void>(ignored);
}

Task<void> PurgeStream::settle() {
    const std::uint64_t met = epoch();
    if (met == 0 || met != begun_epoch_ || shared_.stream_is_done()) co_return;
    const RedisBatchPointer batch = new_batch();
    batch->commands.add("XPENDING", key_, group);
    const bool answered = co_await run(batch);
    if (!answered || batch->replies[0].items.size() < 3) co_return;
    const std::vector<RedisReply>& pending = batch->replies[0].items;
    // What others have begun before is waited for; what they begin later came later.
    if (!waits_) last_waited_for_ = pending[0].integer == 0 ? std::string("0-0") : pending[2].text;
    waits_ = true;
    const bool all = pending[0].integer == 0 || is_later(pending[1].text, last_waited_for_);
    if (all && epoch() == met) shared_.stream_done(met);
}

}  // namespace larder::redis
