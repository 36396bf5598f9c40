#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

/// A private redis-server on a free port of 127.0.0.1, in a directory of its own. Ended, and its
/// directory removed, with the object. Everything here blocks, and fails the test where Redis does
/// not do as asked.
class RedisServer {
public:
    explicit RedisServer(std::vector<std::string> options = {});
    /// A sentinel that watches the master on that port under the name "m".
    static RedisServer sentinel_of(int master_port);
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url() const {
        return "redis://127.0.0.1:" + std::to_string(port_) + "/0";
    }
    [[nodiscard]] std::string directory() const { return directory_; }

    static int free_port();

    void start();
    void kill();  ///< kill -9
    void freeze();
    void thaw();

    /// One command on a connection of its own. Texts as they are, integers in decimal, nil as
    /// "(nil)", errors as their text, arrays one item a line.
    std::string run(std::vector<std::string> command) const;

private:
    struct Sentinel {
        int master_port;
    };
    explicit RedisServer(Sentinel sentinel);
    void prepare();
    void wait_until_up() const;

    std::vector<std::string> options_;
    std::string sentinel_config_;  ///< the file; empty: not a sentinel
    std::string directory_;
    int port_ = 0;
    pid_t pid_ = 0;
};
