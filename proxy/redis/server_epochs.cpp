#include "redis/server_epochs.hpp"

#include <algorithm>

#include "redis/keys.hpp"

namespace larder::redis {

ServerEpochs::ServerEpochs(std::uint64_t start, std::uint64_t step)
    : start_(start), step_(step), nonce_(random_id()) {}

ServerEpochs::Registered ServerEpochs::register_server(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t epoch = current();
    if (epoch != 0 && name == server_) return {epoch, false};
    server_ = name;
    const std::uint64_t next = std::max(epoch, start_) + step_;
    current_.store(next, std::memory_order_release);
    return {next, true};
}

bool ServerEpochs::end(std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    if (epoch != current()) return false;
    server_.clear();
    nonce_ = random_id();
    current_.store(std::max(epoch, start_) + step_, std::memory_order_release);
    return true;
}

std::string ServerEpochs::server() const {
    const std::lock_guard lock(mutex_);
    return server_;
}

std::string ServerEpochs::nonce() const {
    const std::lock_guard lock(mutex_);
    return nonce_;
}

}  // namespace larder::redis
