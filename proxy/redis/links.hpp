#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "redis/url.hpp"

namespace larder::redis {

class RedisBulk;
class RedisLink;

/// The data connections to one node. Any thread.
class RedisLinks {
public:
    using Pointer = std::shared_ptr<RedisLink>;
    explicit RedisLinks(int count) : links_(static_cast<std::size_t>(count)) {}

    /// Null: the link is gone.
    void set(int index, Pointer link);
    /// The link of that worker, or another where it has none; null: there is none yet.
    [[nodiscard]] Pointer of_worker(int index) const;
    /// All that are there.
    [[nodiscard]] std::vector<Pointer> all() const { return all_but(nullptr); }
    [[nodiscard]] int places() const { return static_cast<int>(links_.size()); }
    [[nodiscard]] std::vector<Pointer> all_but(const RedisLink* which) const;
    /// Whether one of them is not there.
    [[nodiscard]] bool some_missing() const;

    /// The connection for large values; null: there is none, they go over the links.
    [[nodiscard]] std::shared_ptr<RedisBulk> bulk() const;
    void set_bulk(std::shared_ptr<RedisBulk> bulk);

private:
    mutable std::mutex mutex_;
    std::vector<Pointer> links_;
    std::shared_ptr<RedisBulk> bulk_;
};

/// Where a node is. Any thread.
class NodeAddress {
public:
    /// Of the server that a link was connected to last.
    [[nodiscard]] RedisAddress current() const;
    void set(RedisAddress address);
    /// Where the master is to be reached that a watch has found (RedisNode::is_watched); an empty
    /// host: nowhere at present.
    [[nodiscard]] RedisAddress target() const;
    void set_target(RedisAddress address);
    /// An address that sentinels have named and that is not the master's: other sentinels may know
    /// better. An empty host: none.
    [[nodiscard]] RedisAddress not_the_master() const;
    void set_not_the_master(RedisAddress address);

private:
    mutable std::mutex mutex_;
    RedisAddress current_;
    RedisAddress target_;
    RedisAddress not_the_master_;
};

}  // namespace larder::redis
