#pragma once
#include <memory>
#include <vector>

namespace larder::flow {
struct Services;
}

namespace larder::wire {

/// One worker's clients of one version of HTTP, kept for reuse with their buffers. One thread. The
/// members are defined in wire/client_pool_impl.hpp; each version instantiates its own.
template <class Client>
class ClientPool {
public:
    ClientPool();
    ~ClientPool();

    [[nodiscard]] std::unique_ptr<Client> take(flow::Services& services);
    void give_back(std::unique_ptr<Client> client);
    /// Destroys the kept clients, because they hold the configuration of their last request.
    void clear();

private:
    static constexpr std::size_t kept_max = 64;
    std::vector<std::unique_ptr<Client>> kept_;
};

}  // namespace larder::wire
