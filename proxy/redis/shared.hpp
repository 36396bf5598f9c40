#pragma once
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/bulk_rate.hpp"
#include "redis/journal.hpp"
#include "redis/keys.hpp"
#include "redis/peers.hpp"
#include "redis/refusal.hpp"
#include "redis/troubles.hpp"
#include "redis/url.hpp"
#include "settings/settings.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"

namespace larder::redis {

class RedisBulk;
class RedisLink;

enum class RedisOperation : std::uint8_t { find, lease, fill, purge, wait, count_ };
std::string_view to_word(RedisOperation operation);

/// What all workers of the process know of Redis: where it is, which of its servers may be read,
/// which purges it still owes, and whether the memory tier may be trusted. Any thread.
///
/// Two marks decide whether a read may be asked besides its link being usable: the journal is
/// empty, and the server the link leads to (its epoch) is the one that an instance with a full
/// purge history has vouched for. A server that was restarted, failed over to, or that followed
/// another one meanwhile is another epoch: clear_server (redis_vouching.hpp) lets it be read. All
/// links and the subscriber lead to the server of the current epoch; a connection to another one is
/// ended.
class RedisShared {
public:
    /// `workers`: how many RedisStores there will be. `memory` may be null. Throws
    /// std::runtime_error where the URL or a TLS file cannot be used.
    RedisShared(settings::Redis settings, int workers, store::Generations& generations,
                store::MemoryStore* memory);
    ~RedisShared();

    // ---- for the program

    /// Called after each operation, on its worker's thread. To be set before the first store is
    /// made.
    void observe(std::function<void(RedisOperation, SteadyClock::duration)> observer) {
        observer_ = std::move(observer);
    }
    /// Every worker can ask Redis now.
    [[nodiscard]] bool up() const;
    enum class Breaker : std::uint8_t { closed = 0, probing = 1, open = 2 };
    [[nodiscard]] Breaker breaker() const;
    [[nodiscard]] std::size_t purges_pending() const { return journal_.size(); }
    [[nodiscard]] std::uint64_t errors(RedisError reason) const {
        return errors_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
    }
    /// Until when the memory tier is trusted; the past where it is not.
    [[nodiscard]] SteadyTime memory_trusted_until() const;
    /// The last failure or refusal, over or not.
    [[nodiscard]] std::optional<RedisTrouble> last_refusal() const;
    /// What does not work at present.
    [[nodiscard]] std::vector<RedisTrouble> troubles() const;

    // ---- for the store's own parts

    [[nodiscard]] const settings::Redis& settings() const { return settings_; }
    [[nodiscard]] const RedisUrl& url() const { return url_; }
    [[nodiscard]] const std::shared_ptr<boost::asio::ssl::context>& tls() const { return tls_; }
    [[nodiscard]] const std::shared_ptr<boost::asio::ssl::context>& sentinel_tls() const {
        return sentinel_tls_;
    }
    [[nodiscard]] const RedisKeys& keys() const { return keys_; }
    [[nodiscard]] store::Generations& generations() { return generations_; }
    [[nodiscard]] PurgeJournal& journal() { return journal_; }
    [[nodiscard]] PurgeHistory& history() { return history_; }

    /// How many data connections there are; worker i uses link i % links().
    [[nodiscard]] int links() const { return links_max_; }
    [[nodiscard]] bool has_subscriber() const { return tracking_; }
    void add_link(int index, std::shared_ptr<RedisLink> link);
    /// The connection for large values; null: there is none, they go over the links. Set before the
    /// stores are used, by worker 0.
    [[nodiscard]] std::shared_ptr<RedisBulk> bulk() const;
    void set_bulk(std::shared_ptr<RedisBulk> bulk);
    /// Of the server that a link was connected to last.
    [[nodiscard]] RedisAddress address() const;
    void set_address(RedisAddress address);
    [[nodiscard]] bool has_bulk() const { return bulk_wanted_; }
    [[nodiscard]] BulkRate& bulk_rate() { return bulk_rate_; }
    [[nodiscard]] BulkRate& bulk_fill_rate() { return bulk_fill_rate_; }
    [[nodiscard]] std::shared_ptr<RedisLink> link(int index) const;

    /// Whether what this link reads may be believed.
    [[nodiscard]] bool may_read(const RedisLink& link) const;

    /// Numbers the server behind a link's new connection, by its name (ServerIdentity::name, or
    /// name_by_nonce). A new name ends all other connections.
    [[nodiscard]] std::uint64_t register_server(const std::string& name, const RedisLink* link);
    /// The current server's name; empty: none was met yet, or its connections were lost.
    [[nodiscard]] std::string server() const;
    /// The name of a server that does not tell it (the user may not run INFO): the value that this
    /// round of connections has put there (script::nonce). When one link is lost the round is over,
    /// and all connections are made anew: nothing else tells whether the server was restarted in
    /// between.
    [[nodiscard]] std::string name_by_nonce() const;
    void end_round(std::uint64_t epoch);
    /// This process, as other instances and Redis know it.
    [[nodiscard]] const std::string& instance() const { return instance_; }
    [[nodiscard]] std::uint64_t current_epoch() const {
        return current_epoch_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint64_t cleared_epoch() const {
        return cleared_epoch_.load(std::memory_order_acquire);
    }
    void clear_epoch(std::uint64_t epoch) {
        cleared_epoch_.store(epoch, std::memory_order_release);
    }

    /// A link that could carry a purge now: `preferred`, or any other that leads to the current
    /// server. Null: none.
    [[nodiscard]] std::shared_ptr<RedisLink> usable_link(
        const std::shared_ptr<RedisLink>& preferred) const;

    void remember_purges(const std::vector<PurgeItem>& items);
    /// How long purges are remembered: as long as an entry that was filled before them can live.
    [[nodiscard]] Milliseconds remembered_for() const {
        return Milliseconds(longest_lifetime_ms_.load(std::memory_order_relaxed));
    }

    /// The id that every entry carries, where it is known for sure: it was read tracked, and the
    /// subscriber lives. 0: to be asked for.
    [[nodiscard]] std::uint64_t everything_id() const;
    [[nodiscard]] bool knows_everything_id() const {
        return everything_id_.load(std::memory_order_acquire) != 0;
    }
    /// Noted before the id is asked for; `set_everything` takes the answer only if no change was
    /// heard of since.
    [[nodiscard]] std::uint64_t everything_version() const {
        return everything_version_.load(std::memory_order_acquire);
    }
    void set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch);
    void forget_everything_id();

    // ---- the other instances
    [[nodiscard]] RedisPeers& peers() { return peers_; }
    /// What came on the news channel.
    void heard_news(std::string_view message);
    /// The marks (RedisKeys::mark) since which all purges were heard: data that holds one is no
    /// older than the history.
    [[nodiscard]] std::vector<std::string> marks() const;
    /// All purges are heard since before the marks were made, unless news was missed since
    /// `version` was noted.
    void set_marks(std::vector<std::string> names, std::uint64_t version);
    [[nodiscard]] std::uint64_t news_version() const;
    /// A predecessor's mark, whose history came along.
    void adopt_mark(std::string name);
    void news_missed();
    /// The subscriber still reads what another server than the links' has said: more purges may be
    /// heard of.
    [[nodiscard]] bool hears_another_server() const;
    /// Has the maintenance tell the other instances that this one lives, now rather than when it is
    /// due.
    void tell_presence_soon();
    [[nodiscard]] bool take_presence_due() {
        return presence_due_.exchange(false, std::memory_order_acq_rel);
    }
    /// Tells the other instances that this one ends: they need not wait for it. Does not wait.
    void say_goodbye();
    /// An entry was filled that lives this long: purges are remembered at least as long.
    void note_lifetime(Milliseconds lifetime);

    /// Ids that purges have killed: the sweep removes the keys filled under them. Bounded; what is
    /// dropped expires.
    void sweep_later(std::string id);
    [[nodiscard]] std::string next_to_sweep();

    void count(RedisError reason, std::size_t times = 1) {
        errors_[static_cast<std::size_t>(reason)].fetch_add(times, std::memory_order_relaxed);
    }
    void observed(RedisOperation operation, SteadyTime since) const;
    /// Something of Redis does not work: counted, shown in /stats, and a line in the log where that
    /// is new. `text`: what Redis or the system said. `command` may be empty.
    void failed(RedisWork work, RedisError reason, std::string_view text, std::string_view command);
    /// It works: a line in the log where it did not before.
    void works(RedisWork work) {
        if (troubled(work)) end_trouble(work);
    }
    [[nodiscard]] bool troubled(RedisWork work) const {
        return troubled_[static_cast<std::size_t>(work)].load(std::memory_order_relaxed);
    }
    /// The server at this address, which sentinels have named, is not the master: other sentinels
    /// may know better. An empty host: forget it.
    void not_the_master(RedisAddress address);
    [[nodiscard]] RedisAddress not_the_master() const;

    /// Somebody else holds a key that larder needs: one line in the log for each of the first keys.
    /// `shown`: the key, or what stands for it where it holds secrets.
    void tell_foreign(std::string_view key, std::string_view type, std::string_view shown);

    /// A link came or went.
    void link_changed();
    /// A link had trouble of its own: all others prove themselves. `which` null: all do.
    void link_troubled(const RedisLink* which);
    /// Wakes the maintenance: there is something to replay or sweep.
    void set_waker(std::function<void()> waker);
    void wake_maintenance();
    /// Has the subscriber show at once that it lives: a link was put under its watch.
    void set_prover(std::function<void()> prover);
    void prove_subscriber();
    /// Ends the subscriber's connection: it leads to another server.
    void set_subscriber_ender(std::function<void()> ender);

    // ---- the memory tier's honesty

    /// The client id of the subscriber that hears of changes, if it is connected to the current
    /// server; 0: none.
    [[nodiscard]] std::int64_t subscriber() const {
        return subscriber_.load(std::memory_order_acquire);
    }
    /// A subscriber is there (its id on the server of that name), or was lost (0).
    void set_subscriber(std::int64_t id, std::string server);
    /// The subscriber answered a PING sent then: everything Redis had to tell up to then has been
    /// heard.
    void subscriber_proved(SteadyTime ping_sent);
    /// Up to when everything that Redis had to tell has been heard; the past where nobody listens.
    [[nodiscard]] SteadyTime heard_until() const {
        return SteadyTime(SteadyClock::duration(heard_until_.load(std::memory_order_acquire)));
    }
    /// Whether links track every key they read (there is a memory tier), or only what they ask to
    /// be told of.
    [[nodiscard]] bool tracks_all() const { return memory_ != nullptr; }
    /// What is in memory and was read from Redis so far may have been read untracked: forget it.
    void forget_untracked();
    /// Redis says that this key changed.
    void invalidated(std::string_view redis_key);
    /// Redis says that everything changed.
    void all_invalidated();

private:
    const settings::Redis settings_;
    RedisUrl url_;
    std::shared_ptr<boost::asio::ssl::context> tls_;
    std::shared_ptr<boost::asio::ssl::context> sentinel_tls_;
    const std::string server_text_;  ///< where Redis is, for the log
    RedisKeys keys_;
    store::Generations& generations_;
    store::MemoryStore* memory_;
    int links_max_ = 1;
    bool tracking_ = false;
    bool bulk_wanted_ = false;
    BulkRate bulk_rate_;
    BulkRate bulk_fill_rate_;
    std::function<void(RedisOperation, SteadyClock::duration)> observer_;

    PurgeJournal journal_;
    PurgeHistory history_;
    std::atomic<std::int64_t> longest_lifetime_ms_;
    std::atomic<std::uint64_t> current_epoch_{0};
    std::atomic<std::uint64_t> cleared_epoch_{0};
    std::atomic<std::int64_t> subscriber_{0};
    std::atomic<bool> presence_due_{false};
    std::atomic<SteadyClock::rep> heard_until_{0};
    std::atomic<std::uint64_t> everything_id_{0};
    std::atomic<std::uint64_t> everything_version_{0};
    RedisPeers peers_;
    const std::string instance_;
    std::atomic<SteadyClock::rep> trusted_until_{0};
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(RedisError::count_)> errors_{};

    std::array<std::atomic<bool>, static_cast<std::size_t>(RedisWork::count_)> troubled_{};

    mutable std::mutex mutex_;  ///< guards all below
    std::vector<std::shared_ptr<RedisLink>> link_list_;
    std::string server_;
    std::string nonce_;
    std::uint64_t epochs_ = 0;
    std::int64_t subscriber_id_ = 0;
    std::string subscriber_server_;
    std::vector<std::string> marks_;
    std::uint64_t news_version_ = 0;
    std::vector<std::string> to_sweep_;
    std::shared_ptr<RedisBulk> bulk_;
    std::vector<std::uint64_t> foreign_told_;  ///< hashes of keys
    RedisTroubles troubles_;
    RedisAddress not_master_;
    RedisAddress address_;
    std::function<void()> waker_;
    std::function<void()> prover_;
    std::function<void()> subscriber_ender_;

    void end_trouble(RedisWork work);
    void write_line(const RedisTroubles::Line& line) const;
    [[nodiscard]] std::string without_secrets(std::string text) const;
    void settle_subscriber();
    [[nodiscard]] std::vector<std::shared_ptr<RedisLink>> links_but(const RedisLink* which) const;
};

}  // namespace larder::redis
