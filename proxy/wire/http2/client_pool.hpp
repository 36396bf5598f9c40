#pragma once
#include <memory>
#include <vector>

namespace larder::flow {
struct Services;
}

namespace larder::wire::http2 {

class StreamClient;

/// One worker's StreamClients, kept for reuse with their buffers. One thread.
class ClientPool {
public:
    ClientPool();
    ~ClientPool();

    [[nodiscard]] std::unique_ptr<StreamClient> take(flow::Services& services);
    void give_back(std::unique_ptr<StreamClient> client);
    /// Destroys the kept Clients, because they hold the configuration of their last request.
    void clear();

private:
    static constexpr std::size_t kept_max = 64;
    std::vector<std::unique_ptr<StreamClient>> kept_;
};

}  // namespace larder::wire::http2
