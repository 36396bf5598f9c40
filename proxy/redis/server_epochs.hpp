#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace larder::redis {

/// Which server the connections to a node lead to, and whether it may be read. Any thread.
///
/// A server that was restarted, that was failed over to, or that has followed another one, has a
/// new name (ServerIdentity::name) and so a new epoch: a number that only rises. It may have
/// forgotten purges, and is read once its epoch is cleared (clear_server in redis/vouching.hpp).
class ServerEpochs {
public:
    /// The first epoch is `start` + `step`, and each next one is `step` more.
    explicit ServerEpochs(std::uint64_t start = 0, std::uint64_t step = 1);

    struct Registered {
        std::uint64_t epoch = 0;
        bool is_new = false;  ///< connections to the previous server must end
    };
    /// A new connection leads to the server of that name: ServerIdentity::name, or `nonce`.
    [[nodiscard]] Registered register_server(const std::string& name);
    /// Ends the epoch, and with it the nonce: nobody knows any more to which server the connections
    /// lead. False: it was over already.
    [[nodiscard]] bool end(std::uint64_t epoch);

    /// The current server's name; empty: none was met yet, or its connections were lost.
    [[nodiscard]] std::string server() const;
    /// The name of a server that does not tell it (the user may not run INFO): the value that this
    /// round of connections has put there (script::nonce).
    [[nodiscard]] std::string nonce() const;

    [[nodiscard]] std::uint64_t current() const { return current_.load(std::memory_order_acquire); }
    /// The epoch whose server may be read.
    [[nodiscard]] std::uint64_t cleared() const { return cleared_.load(std::memory_order_acquire); }
    [[nodiscard]] bool is_first(std::uint64_t epoch) const { return epoch <= start_ + step_; }
    void clear(std::uint64_t epoch) { cleared_.store(epoch, std::memory_order_release); }
    /// Whether the server of that epoch is the current one, and may be read.
    [[nodiscard]] bool may_read(std::uint64_t epoch) const {
        return epoch == cleared() && epoch == current();
    }

private:
    const std::uint64_t start_;
    const std::uint64_t step_;
    std::atomic<std::uint64_t> current_{0};
    std::atomic<std::uint64_t> cleared_{0};
    mutable std::mutex mutex_;  ///< guards the names, and each change of `current_`
    std::string server_;
    std::string nonce_;
};

}  // namespace larder::redis
