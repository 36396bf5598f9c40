#pragma once
#include <utility>

#include "wire/client_pool.hpp"

/// For the sources that instantiate ClientPool.
namespace larder::wire {

template <class Client>
ClientPool<Client>::ClientPool() = default;

template <class Client>
ClientPool<Client>::~ClientPool() = default;

template <class Client>
std::unique_ptr<Client> ClientPool<Client>::take(flow::Services& services) {
    if (kept_.empty()) return std::make_unique<Client>(services);
    std::unique_ptr<Client> client = std::move(kept_.back());
    kept_.pop_back();
    return client;
}

template <class Client>
void ClientPool<Client>::give_back(std::unique_ptr<Client> client) {
    client->detach();
    if (kept_.size() < kept_max) kept_.push_back(std::move(client));
}

template <class Client>
void ClientPool<Client>::clear() {
    kept_.clear();
}

}  // namespace larder::wire
