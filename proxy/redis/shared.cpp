#include "redis/shared.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

#include "redis/bulk.hpp"
#include "redis/link.hpp"
#include "redis/transport.hpp"

namespace larder::redis {
using namespace std::chrono_literals;
namespace {

constexpr std::size_t sweeps_max = 10'000;
constexpr std::size_t foreign_keys_told_max = 50;
// What a purge is remembered for at least: other instances may fill longer-lived entries than this
// one has seen.
constexpr Milliseconds remember_at_least = 24h;

/// Where Redis is, without user and password.
std::string text_of(const RedisUrl& url) {
    std::string text = url.kind == RedisUrl::Kind::unix_socket ? url.path : std::string();
    if (url.kind == RedisUrl::Kind::sentinel) text = "master " + url.master + " of sentinels ";
    for (const RedisAddress& address : url.addresses) {
        if (&address != &url.addresses.front()) text.push_back(',');
        text.append(address.host).append(":").append(std::to_string(address.port));
    }
    return text;
}

}  // namespace

std::string_view to_word(RedisOperation operation) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(RedisOperation::count_)> words{
        "find", "lease", "fill", "purge", "wait"};
    return words[static_cast<std::size_t>(operation)];
}

RedisShared::RedisShared(settings::Redis settings, int workers, store::Generations& generations,
                         store::MemoryStore* memory)
    : settings_(std::move(settings)),
      url_(settings_.url),
      tls_(make_redis_tls(url_, settings_.tls)),
      sentinel_tls_(make_sentinel_tls(url_, settings_)),
      server_text_(text_of(url_)),
      keys_(settings_.prefix),
      generations_(generations),
      memory_(memory),
      longest_lifetime_ms_(remember_at_least.count()),
      instance_(random_id()),
      nonce_(random_id()) {
    const int connections_max =
        settings_.max_connections > 0 ? settings_.max_connections : std::max(10, workers + 2);
    tracking_ = connections_max > 1;
    bulk_wanted_ = connections_max > 2;
    links_max_ = std::clamp(connections_max - (tracking_ ? 1 : 0) - (bulk_wanted_ ? 1 : 0), 1,
                            std::max(workers, 1));
    if (!url_.addresses.empty()) address_ = url_.addresses.front();
    link_list_.resize(static_cast<std::size_t>(links_max_));
}

RedisShared::~RedisShared() = default;

bool RedisShared::up() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(link_list_.begin(), link_list_.end(),
                       [this](const auto& link) { return link && may_read(*link); });
}

RedisShared::Breaker RedisShared::breaker() const {
    const std::lock_guard lock(mutex_);
    bool probing = false;
    for (const auto& link : link_list_) {
        if (!link) continue;
        if (link->usable() && may_read(*link)) return Breaker::closed;
        probing |= link->usable() || link->connected();
    }
    return probing ? Breaker::probing : Breaker::open;
}

SteadyTime RedisShared::memory_trusted_until() const {
    return SteadyTime(SteadyClock::duration(trusted_until_.load(std::memory_order_acquire)));
}

void RedisShared::tell_foreign(std::string_view key, std::string_view type,
                               std::string_view shown) {
    const std::uint64_t hash = std::hash<std::string_view>{}(key);
    std::size_t told = 0;
    {
        const std::lock_guard lock(mutex_);
        if (foreign_told_.size() >= foreign_keys_told_max) return;
        if (std::find(foreign_told_.begin(), foreign_told_.end(), hash) != foreign_told_.end())
            return;
        foreign_told_.push_back(hash);
        told = foreign_told_.size();
    }
    spdlog::warn(
        "redis: the key {} holds a {} that is not larder's: larder leaves it alone, and what "
        "belongs there is not cached "
        "(detail=foreign-key); give larder names of its own with redis.prefix, or change the key "
        "of the route{}",
        shown, type.empty() ? "value" : type,
        told < foreign_keys_told_max
            ? ""
            : "; further keys are only counted (larder_not_stored_total{reason=\"foreign-key\"})");
}

void RedisShared::add_link(int index, std::shared_ptr<RedisLink> link) {
    const std::lock_guard lock(mutex_);
    link_list_[static_cast<std::size_t>(index)] = std::move(link);
}

std::shared_ptr<RedisLink> RedisShared::link(int index) const {
    const std::lock_guard lock(mutex_);
    return link_list_[static_cast<std::size_t>(index % links_max_)];
}

std::shared_ptr<RedisBulk> RedisShared::bulk() const {
    const std::lock_guard lock(mutex_);
    return bulk_;
}

void RedisShared::set_bulk(std::shared_ptr<RedisBulk> bulk) {
    const std::lock_guard lock(mutex_);
    bulk_ = std::move(bulk);
}

RedisAddress RedisShared::address() const {
    const std::lock_guard lock(mutex_);
    return address_;
}

void RedisShared::set_address(RedisAddress address) {
    const std::lock_guard lock(mutex_);
    address_ = std::move(address);
}

bool RedisShared::may_read(const RedisLink& link) const {
    const std::uint64_t epoch = link.epoch();
    return link.usable() && journal_.empty() && epoch == cleared_epoch() &&
           epoch == current_epoch();
}

std::vector<std::shared_ptr<RedisLink>> RedisShared::links_but(const RedisLink* which) const {
    std::vector<std::shared_ptr<RedisLink>> others;
    const std::lock_guard lock(mutex_);
    for (const auto& link : link_list_)
        if (link && link.get() != which) others.push_back(link);
    return others;
}

std::uint64_t RedisShared::register_server(const std::string& name, const RedisLink* link) {
    std::uint64_t epoch = 0;
    std::function<void()> end_subscriber;
    {
        const std::lock_guard lock(mutex_);
        if (epochs_ != 0 && name == server_) return epochs_;
        server_ = name;
        epoch = ++epochs_;
        current_epoch_.store(epoch, std::memory_order_release);
        if (subscriber_id_ != 0 && subscriber_server_ != name) end_subscriber = subscriber_ender_;
    }
    forget_everything_id();
    settle_subscriber();
    // Nothing may be read from the old server, nor a purge be sent to it and count as done.
    for (const auto& other : links_but(link)) other->end_unless(epoch);
    if (end_subscriber) end_subscriber();
    return epoch;
}

std::string RedisShared::server() const {
    const std::lock_guard lock(mutex_);
    return server_;
}

std::string RedisShared::name_by_nonce() const {
    const std::lock_guard lock(mutex_);
    return nonce_;
}

void RedisShared::end_round(std::uint64_t epoch) {
    {
        const std::lock_guard lock(mutex_);
        if (epoch != epochs_) return;
        server_.clear();
        nonce_ = random_id();
        current_epoch_.store(++epochs_, std::memory_order_release);
    }
    forget_everything_id();
    settle_subscriber();
    for (const auto& link : links_but(nullptr)) link->end_unless(0);
}

std::shared_ptr<RedisLink> RedisShared::usable_link(
    const std::shared_ptr<RedisLink>& preferred) const {
    const auto fits = [this](const std::shared_ptr<RedisLink>& link) {
        return link && link->usable() && link->epoch() == current_epoch();
    };
    if (fits(preferred)) return preferred;
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(link_list_.begin(), link_list_.end(), fits);
    return found == link_list_.end() ? nullptr : *found;
}

void RedisShared::remember_purges(const std::vector<PurgeItem>& items) {
    history_.add(items, steady_now(), remembered_for());
}

void RedisShared::note_lifetime(Milliseconds lifetime) {
    std::int64_t seen = longest_lifetime_ms_.load(std::memory_order_relaxed);
    while (seen < lifetime.count() &&
           !longest_lifetime_ms_.compare_exchange_weak(seen, lifetime.count())) {
    }
}

void RedisShared::sweep_later(std::string id) {
    {
        const std::lock_guard lock(mutex_);
        if (to_sweep_.size() >= sweeps_max) return;
        to_sweep_.push_back(std::move(id));
    }
    wake_maintenance();
}

std::string RedisShared::next_to_sweep() {
    const std::lock_guard lock(mutex_);
    if (to_sweep_.empty()) return {};
    std::string id = std::move(to_sweep_.back());
    to_sweep_.pop_back();
    return id;
}

void RedisShared::observed(RedisOperation operation, SteadyTime since) const {
    if (observer_) observer_(operation, steady_now() - since);
}

void RedisShared::link_changed() { wake_maintenance(); }

void RedisShared::link_troubled(const RedisLink* which) {
    for (const auto& link : links_but(which)) link->suspect();
}

void RedisShared::set_subscriber_ender(std::function<void()> ender) {
    const std::lock_guard lock(mutex_);
    subscriber_ender_ = std::move(ender);
}

void RedisShared::set_prover(std::function<void()> prover) {
    const std::lock_guard lock(mutex_);
    prover_ = std::move(prover);
}

void RedisShared::prove_subscriber() {
    const std::lock_guard lock(mutex_);
    if (prover_) prover_();
}

void RedisShared::set_waker(std::function<void()> waker) {
    const std::lock_guard lock(mutex_);
    waker_ = std::move(waker);
}

void RedisShared::wake_maintenance() {
    const std::lock_guard lock(mutex_);
    if (waker_) waker_();
}

}  // namespace larder::redis
