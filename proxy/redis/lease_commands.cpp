#include <algorithm>

#include "redis/ids.hpp"
#include "redis/leasing.hpp"
#include "redis/scripts.hpp"

// The commands of a lease, and what their replies mean.
namespace larder::redis {
namespace {

constexpr std::size_t digest_at = 17;  // in "guard:digest:token"

std::string_view digest_in(std::string_view lock) {
    return lock.size() > digest_at ? lock.substr(digest_at, no_digest.size()) : std::string_view{};
}

/// Reads what the script says of the lock. False: another try is due.
bool read_lock(Attempt& attempt, const RedisReply& answer, Lease& lease) {
    const std::string& word = answer.items[1].text;
    const std::string& lock = answer.items[4].text;
    const std::string digest = attempt.lookup.digest();
    const bool outdated = !digest.empty() && digest != attempt.digest;
    if (word == "none") return true;
    if (word == "u") lease.lock = Lease::Lock::uncacheable;
    if (word == "theirs" || word == "other") lease.lock = Lease::Lock::theirs;
    if (word == "mine") lease.lock = Lease::Lock::mine;
    if (word == "other" && (digest.empty() || digest_in(lock) == digest)) return true;
    // The ids of the lookup may be older than the lock's: only new ones tell.
    if (word == "other" && !std::exchange(attempt.asks, true)) return false;
    if (word == "other") attempt.dead = lock;
    // The lock is ours, but it names ids from before a purge: others would take it for dead.
    if (word == "mine" && outdated)
        attempt.dead = lock_value(lease.guard, attempt.digest, lease.token);
    if (word != "other" && !(word == "mine" && outdated)) return true;
    attempt.digest = digest;
    return false;
}

}  // namespace

std::string lock_value(std::string_view guard, std::string_view digest,
                       std::string_view token_or_part) {
    std::string lock;
    lock.reserve(guard.size() + digest.size() + token_or_part.size() + 2);
    lock.append(guard).append(":").append(digest).append(":").append(token_or_part);
    return lock;
}

std::string part_of_lock(std::string_view lock_key) { return digest_of(lock_key); }

void add_ids(RedisCommands& commands, const RedisKeys& keys, const EntryLookup& lookup) {
    for (std::size_t i = 0; i < lookup.id_count(); ++i) {
        const std::string& id_key = lookup.id_keys[i];
        commands.add("SET", id_key, random_id(), "NX", "PX", new_id_lifetime.count())
            .add("GET", id_key);
    }
    if (lookup.everything != 0) return;
    const std::string& everything = keys.everything(lookup.entry_key);
    commands.add("SET", everything, random_id(), "NX").add("GET", everything);
}

void read_made_ids(EntryLookup& lookup, const RedisReply* replies) {
    lookup.ids.clear();
    lookup.foreign_id.clear();
    for (std::size_t i = 0; i < lookup.id_count(); ++i, replies += 2) {
        const RedisReply& id = replies[1];
        const bool own = id.is_text() && is_own_id(id.text);
        lookup.ids.push_back(own ? id.text : std::string());
        if (own || !(id.is_text() || id.is_error("WRONGTYPE"))) continue;
        lookup.foreign_id = lookup.id_keys[i];
    }
    if (lookup.everything == 0 && replies[1].is_text())
        lookup.everything = parse_id(replies[1].text).value_or(0);
}

void take_ids(const EntryLookup& lookup, Lease& lease) {
    lease.everything = lookup.everything;
    lease.tags.clear();
    const bool complete = std::none_of(lookup.ids.begin(), lookup.ids.end(),
                                       [](const std::string& id) { return id.empty(); });
    for (std::size_t i = 0; complete && i < lookup.ids.size(); ++i) {
        const bool is_tag = i < lookup.name.tags.size();
        lease.tags.push_back(
            {is_tag ? lookup.name.tags[i] : std::string(extension_name), lookup.ids[i]});
        lease.held |= is_held(lookup.ids[i]);
    }
    if (!complete) lease.everything = 0;
    if (lease.foreign_key.empty()) lease.foreign_key = lookup.foreign_id;
}

void add_scripted_try(RedisCommands& commands, const RedisKeys& keys, const Attempt& attempt,
                      const Lease& lease, bool unnoticed) {
    const bool locks = !lease.lock_key.empty();
    commands.run(script::lease, "3", lease.guard_key, locks ? lease.lock_key : lease.guard_key,
                 attempt.lookup.entry_key, random_id(), guard_lifetime.count(), lease.token,
                 lock_lifetime.count(), attempt.digest, attempt.dead, keys.news(),
                 unnoticed ? "GETEX" : "GET", locks ? part_of_lock(lease.lock_key) : std::string());
    if (attempt.asks) add_ids(commands, keys, attempt.lookup);
}

bool read_scripted_try(Attempt& attempt, const RedisReply* replies, Lease& lease) {
    if (attempt.asks) read_made_ids(attempt.lookup, replies + 1);
    const RedisReply& answer = replies[0];
    if (answer.items.size() != 7) return true;  // no guard: the fetch is made, and not stored
    lease.guard = answer.items[0].text;
    lease.held = is_held(lease.guard);
    lease.soft_id = answer.items[2].text;
    lease.entry_there = answer.items[3].integer == 1;
    lease.foreign_type = answer.items[5].text;
    lease.entry_guard = answer.items[6].text;
    if (!lease.foreign_type.empty())
        lease.foreign_key = lease.guard.empty() ? lease.guard_key : attempt.lookup.entry_key;
    return read_lock(attempt, answer, lease);
}

PlainTry plain_after_lookup(Attempt& attempt, std::string guard) {
    PlainTry plain{std::move(guard)};
    std::vector<std::string>& ids = attempt.lookup.ids;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!ids[i].empty()) continue;
        ids[i] = random_id();
        plain.made.push_back(i);
    }
    plain.read = plain.made;
    attempt.digest = attempt.lookup.digest();
    return plain;
}

std::optional<PlainTry> plain_without_lookup(Attempt& attempt, std::string guard,
                                             const RedisKeys& keys, const SeenIds& seen) {
    PlainTry plain{std::move(guard)};
    std::uint64_t& everything = attempt.lookup.everything;
    plain.reads_everything = everything == 0;
    if (everything == 0)
        everything = parse_id(seen.of(keys.everything(attempt.lookup.entry_key))).value_or(0);
    if (everything == 0) return std::nullopt;
    std::vector<std::string>& ids = attempt.lookup.ids;
    for (std::size_t i = 0; i < attempt.lookup.id_count(); ++i) {
        ids.emplace_back(seen.of(attempt.lookup.id_keys[i]));
        if (ids[i].empty()) plain.made.push_back(i);
        if (ids[i].empty()) ids[i] = random_id();
        plain.read.push_back(i);
    }
    attempt.digest = attempt.lookup.digest();
    return plain;
}

void add_plain_try(RedisCommands& commands, const RedisKeys& keys, const Attempt& attempt,
                   const Lease& lease, PlainTry& plain) {
    const EntryLookup& lookup = attempt.lookup;
    for (const std::size_t i : plain.made)
        commands.add("SET", lookup.id_keys[i], lookup.ids[i], "NX", "PX", new_id_lifetime.count());
    plain.set_reply = commands.count();
    const bool locks = !lease.lock_key.empty();
    commands.add("HSETNX", lease.guard_key, guard_field, plain.guard);
    plain.lock_reply = commands.count();
    if (locks) plain.lock = lock_value(plain.guard, attempt.digest, part_of_lock(lease.lock_key));
    if (locks) commands.add("HSETNX", lease.guard_key, lock_field, plain.lock);
    commands.add("PEXPIRE", lease.guard_key, (locks ? lock_lifetime : guard_lifetime).count());
    plain.look_reply = commands.count();
    // The look after the fill has the ids tracked.
    const auto look_at = [&](std::string_view key) {
        if (plain.untracked) commands.add("GETEX", key);
        if (!plain.untracked) commands.add("GET", key);
    };
    if (plain.untracked) commands.add("GETEX", lookup.entry_key);
    if (!plain.untracked) commands.add("TYPE", lookup.entry_key);
    for (const std::size_t i : plain.read) look_at(lookup.id_keys[i]);
    if (plain.reads_everything) look_at(keys.everything(lookup.entry_key));
}

namespace {

bool is_made(const RedisReply& reply) {
    return reply.type == RedisReply::Type::integer && reply.integer == 1;
}

/// Takes the ids as they stand. False: there is another one than the lock names, or one that
/// nothing may be stored under.
bool read_plain_ids(EntryLookup& lookup, const RedisReply* replies, const PlainTry& plain) {
    bool same = true;
    for (const std::size_t i : plain.read) {
        const RedisReply& reply = *replies++;
        const bool own = reply.is_text() && is_own_id(reply.text) && !is_held(reply.text);
        same = same && own && hard_part(reply.text) == hard_part(lookup.ids[i]);
        lookup.ids[i] = own ? reply.text : std::string();
    }
    if (!plain.reads_everything) return same;
    const std::uint64_t there =
        replies->is_text() ? parse_id(replies->text).value_or(0) : std::uint64_t{0};
    return std::exchange(lookup.everything, there) == there && same;
}

}  // namespace

bool read_plain_try(Attempt& attempt, const RedisReply* replies, const PlainTry& plain,
                    Lease& lease) {
    const RedisReply& guard = replies[plain.set_reply];
    const bool locks = !lease.lock_key.empty();
    const bool made = is_made(guard);
    const bool locked = !locks || is_made(replies[plain.lock_reply]);
    // GETEX refuses to read a hash, which an entry is.
    const RedisReply& look = replies[plain.look_reply];
    const bool absent = plain.untracked ? look.is_nil() : look.text == "none";
    // Also where the reply says no: in a cluster the command may have been run before it was sent
    // again.
    attempt.dead = plain.lock;
    attempt.set_lock = locks && locked;
    const bool same_ids = read_plain_ids(attempt.lookup, replies + plain.look_reply + 1, plain);
    // Somebody else's value, or a user without the command: the script may do better.
    const bool asks_script = guard.is_error("WRONGTYPE") || guard.is_error("NOPERM");
    if (guard.is_error() && !asks_script) return true;  // the fetch is made, and not stored
    if (!same_ids) {
        attempt.asks = true;
        attempt.digest = attempt.lookup.digest();
        if (attempt.digest.empty()) attempt.digest = no_digest;
    }
    if (!made || !locked || !absent || !same_ids) return false;
    lease.guard = plain.guard;
    lease.made_guard = true;
    lease.lock = locks ? Lease::Lock::mine : Lease::Lock::none;
    lease.untracked = plain.untracked;
    return true;
}

}  // namespace larder::redis
