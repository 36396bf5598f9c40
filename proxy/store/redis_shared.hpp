#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/clock.hpp"
#include "settings/settings.hpp"
#include "store/generations.hpp"
#include "store/memory_store.hpp"
#include "store/redis_keys.hpp"
#include "store/redis_peers.hpp"
#include "store/redis_purges.hpp"
#include "store/redis_url.hpp"

namespace larder::store {

class RedisLink;

/// Why an operation failed, for the metrics.
enum class RedisError : std::uint8_t {
    connect,   ///< no connection, or the handshake failed
    lost,      ///< a connection was lost
    timeout,   ///< no answer in time
    protocol,  ///< what came was no reply
    server,    ///< loading, a replica, no password, or the like
    full,      ///< out of memory
    overload,  ///< too much waiting already
    count_
};
std::string_view to_word(RedisError reason);

enum class RedisOperation : std::uint8_t { find, lease, fill, purge, wait, count_ };
std::string_view to_word(RedisOperation operation);

/// What all workers of the process know of Redis: where it is, which of its servers may be read, which purges it still
/// owes, and whether the memory tier may be trusted. Any thread.
///
/// Two marks decide whether a read may be asked besides its link being usable: the journal is empty, and the server the
/// link leads to (its epoch) is the one that an instance with a full purge history has vouched for. A server that was
/// restarted, failed over to, or that followed another one meanwhile is another epoch: clear_server (redis_vouching.hpp) lets it be read. All links
/// and the subscriber lead to the server of the current epoch; a connection to another one is ended.
class RedisShared {
public:
    /// `workers`: how many RedisStores there will be. `memory` may be null. Throws std::runtime_error where the URL or a
    /// TLS file cannot be used.
    RedisShared(settings::Redis settings, int workers, Generations& generations, MemoryStore* memory);
    ~RedisShared();

    // ---- for the program

    /// Called after each operation, on its worker's thread. To be set before the first store is made.
    void observe(std::function<void(RedisOperation, SteadyClock::duration)> observer) { observer_ = std::move(observer); }
    /// Every worker can ask Redis now.
    [[nodiscard]] bool up() const;
    enum class Breaker : std::uint8_t { closed = 0, probing = 1, open = 2 };
    [[nodiscard]] Breaker breaker() const;
    [[nodiscard]] std::size_t purges_pending() const { return journal_.size(); }
    [[nodiscard]] std::uint64_t errors(RedisError reason) const { return errors_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed); }
    /// Until when the memory tier is trusted; the past where it is not.
    [[nodiscard]] SteadyTime memory_trusted_until() const;
    /// What the server last said when it refused to be used ("NOAUTH ...").
    [[nodiscard]] std::string last_refusal() const;

    // ---- for the store's own parts

    [[nodiscard]] const settings::Redis& settings() const { return settings_; }
    [[nodiscard]] const RedisUrl& url() const { return url_; }
    [[nodiscard]] const std::shared_ptr<boost::asio::ssl::context>& tls() const { return tls_; }
    [[nodiscard]] const RedisKeys& keys() const { return keys_; }
    [[nodiscard]] Generations& generations() { return generations_; }
    [[nodiscard]] PurgeJournal& journal() { return journal_; }
    [[nodiscard]] PurgeHistory& history() { return history_; }

    /// How many data connections there are; worker i uses link i % links().
    [[nodiscard]] int links() const { return links_max_; }
    [[nodiscard]] bool has_subscriber() const { return tracking_; }
    void add_link(int index, std::shared_ptr<RedisLink> link);
    [[nodiscard]] std::shared_ptr<RedisLink> link(int index) const;

    /// Whether what this link reads may be believed.
    [[nodiscard]] bool may_read(const RedisLink& link) const;

    /// Numbers the server behind a link's new connection, by its name (ServerIdentity::name, or name_by_nonce). A new name
    /// ends all other connections.
    [[nodiscard]] std::uint64_t register_server(const std::string& name, const RedisLink* link);
    /// The current server's name; empty: none was met yet, or its connections were lost.
    [[nodiscard]] std::string server() const;
    /// The name of a server that does not tell it (the user may not run INFO): the value that this round of connections has
    /// put there (script::nonce). When one link is lost the round is over, and all connections are made anew: nothing else
    /// tells whether the server was restarted in between.
    [[nodiscard]] std::string name_by_nonce() const;
    void end_round(std::uint64_t epoch);
    /// This process, as other instances and Redis know it.
    [[nodiscard]] const std::string& instance() const { return instance_; }
    [[nodiscard]] std::uint64_t current_epoch() const { return current_epoch_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t cleared_epoch() const { return cleared_epoch_.load(std::memory_order_acquire); }
    void clear_epoch(std::uint64_t epoch) { cleared_epoch_.store(epoch, std::memory_order_release); }

    /// A link that could carry a purge now: `preferred`, or any other that leads to the current server. Null: none.
    [[nodiscard]] std::shared_ptr<RedisLink> usable_link(const std::shared_ptr<RedisLink>& preferred) const;

    void remember_purges(const std::vector<PurgeItem>& items);
    /// How long purges are remembered: as long as an entry that was filled before them can live.
    [[nodiscard]] Milliseconds remembered_for() const {
        return Milliseconds(longest_lifetime_ms_.load(std::memory_order_relaxed));
    }

    /// The id that every entry carries, where it is known for sure: it was read tracked, and the subscriber lives. 0: to be
    /// asked for.
    [[nodiscard]] std::uint64_t everything_id() const;
    [[nodiscard]] bool knows_everything_id() const { return everything_id_.load(std::memory_order_acquire) != 0; }
    /// Noted before the id is asked for; `set_everything` takes the answer only if no change was heard of since.
    [[nodiscard]] std::uint64_t everything_version() const { return everything_version_.load(std::memory_order_acquire); }
    void set_everything(std::uint64_t id, std::uint64_t version, std::uint64_t epoch);
    void forget_everything_id();

    // ---- the other instances
    [[nodiscard]] RedisPeers& peers() { return peers_; }
    /// What came on the news channel.
    void heard_news(std::string_view message);
    /// The marks (RedisKeys::mark) since which all purges were heard: data that holds one is no older than the history.
    [[nodiscard]] std::vector<std::string> marks() const;
    /// All purges are heard since before the marks were made, unless news was missed since `version` was noted.
    void set_marks(std::vector<std::string> names, std::uint64_t version);
    [[nodiscard]] std::uint64_t news_version() const;
    /// A predecessor's mark, whose history came along.
    void adopt_mark(std::string name);
    void news_missed();
    /// Tells the other instances that this one ends: they need not wait for it. Does not wait.
    void say_goodbye();
    /// An entry was filled that lives this long: purges are remembered at least as long.
    void note_lifetime(Milliseconds lifetime);

    /// Ids that purges have killed: the sweep removes the keys filled under them. Bounded; what is dropped expires.
    void sweep_later(std::string id);
    [[nodiscard]] std::string next_to_sweep();

    void count(RedisError reason, std::size_t times = 1) { errors_[static_cast<std::size_t>(reason)].fetch_add(times, std::memory_order_relaxed); }
    void observed(RedisOperation operation, SteadyTime since) const;
    void refused(std::string_view why);
    /// What works less well than it could, and what would help: one line in the log for each.
    enum class Told : std::uint8_t { no_identity, no_tracking, no_subscription, count_ };
    void tell_once(Told what, const std::string& text);

    /// Somebody else holds a key that larder needs: one line in the log for each of the first keys. `shown`: the key, or what
    /// stands for it where it holds secrets.
    void tell_foreign(std::string_view key, std::string_view type, std::string_view shown);

    /// A link came or went.
    void link_changed();
    /// A link had trouble of its own: all others prove themselves. `which` null: all do.
    void link_troubled(const RedisLink* which);
    /// Wakes the keeper: there is something to replay or sweep.
    void set_waker(std::function<void()> waker);
    void wake_keeper();
    /// Has the subscriber show at once that it lives: a link was put under its watch.
    void set_prover(std::function<void()> prover);
    void prove_subscriber();
    /// Ends the subscriber's connection: it leads to another server.
    void set_subscriber_ender(std::function<void()> ender);

    // ---- the memory tier's honesty

    /// The client id of the subscriber that hears of changes, if it is connected to the current server; 0: none.
    [[nodiscard]] std::int64_t subscriber() const { return subscriber_.load(std::memory_order_acquire); }
    /// A subscriber is there (its id on the server of that name), or was lost (0).
    void set_subscriber(std::int64_t id, std::string server);
    /// The subscriber answered a PING sent then: everything Redis had to tell up to then has been heard.
    void subscriber_proved(SteadyTime ping_sent);
    /// Up to when everything that Redis had to tell has been heard; the past where nobody listens.
    [[nodiscard]] SteadyTime heard_until() const {
        return SteadyTime(SteadyClock::duration(heard_until_.load(std::memory_order_acquire)));
    }
    /// Whether links track every key they read (there is a memory tier), or only what they ask to be told of.
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
    RedisKeys keys_;
    Generations& generations_;
    MemoryStore* memory_;
    int links_max_ = 1;
    bool tracking_ = false;
    std::function<void(RedisOperation, SteadyClock::duration)> observer_;

    PurgeJournal journal_;
    PurgeHistory history_;
    std::atomic<std::int64_t> longest_lifetime_ms_;
    std::atomic<std::uint64_t> current_epoch_{0};
    std::atomic<std::uint64_t> cleared_epoch_{0};
    std::atomic<std::int64_t> subscriber_{0};
    std::atomic<SteadyClock::rep> heard_until_{0};
    std::atomic<std::uint64_t> everything_id_{0};
    std::atomic<std::uint64_t> everything_version_{0};
    RedisPeers peers_;
    const std::string instance_;
    std::atomic<SteadyClock::rep> trusted_until_{0};
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(RedisError::count_)> errors_{};

    std::array<std::atomic<bool>, static_cast<std::size_t>(Told::count_)> told_{};

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
    std::vector<std::uint64_t> foreign_told_;  ///< hashes of keys
    std::string refusal_;
    std::function<void()> waker_;
    std::function<void()> prover_;
    std::function<void()> subscriber_ender_;

    void settle_subscriber();
    [[nodiscard]] std::vector<std::shared_ptr<RedisLink>> links_but(const RedisLink* which) const;
};

}  // namespace larder::store
