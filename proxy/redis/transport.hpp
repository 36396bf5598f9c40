#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/ready_watch.hpp"
#include "net/waiter.hpp"
#include "redis/task.hpp"
#include "redis/url.hpp"
#include "settings/settings.hpp"

namespace larder::redis {

using boost::system::error_code;

/// The TLS settings of all connections to Redis. Null where there are none; throws where a file
/// cannot be used.
std::shared_ptr<boost::asio::ssl::context> make_redis_tls(const RedisUrl& url,
                                                          const settings::RedisTls& settings);

/// Those of the connections to sentinels (redis.sentinel_tls), likewise.
std::shared_ptr<boost::asio::ssl::context> make_sentinel_tls(const RedisUrl& url,
                                                             const settings::Redis& settings);

/// The bytes of one connection to Redis, over TCP, TLS or a Unix socket. Used once: a new
/// connection is a new transport. Belongs to its context's thread.
class RedisTransport {
public:
    RedisTransport(boost::asio::io_context& context,
                   std::shared_ptr<boost::asio::ssl::context> tls);
    ~RedisTransport();
    RedisTransport(const RedisTransport&) = delete;
    RedisTransport& operator=(const RedisTransport&) = delete;

    /// Connects to what `url` names (for sentinel: `address` is the master's). Ends early with an
    /// error after `close`.
    [[nodiscard]] Task<error_code> connect(RedisUrl::Kind kind, RedisAddress address,
                                           std::string path);

    /// Waits for bytes. Nothing read means the connection is lost. `may_be_reset`: a reset that
    /// came together with the last bytes is noticed at once, which costs a system call that mostly
    /// finds nothing. Without it, the next write fails instead.
    [[nodiscard]] Task<std::size_t> read_some(boost::asio::mutable_buffer into,
                                              bool may_be_reset = true);

    /// Writes what the socket takes at once; gives how much that was. Nothing over TLS, and where
    /// the connection is lost: `write` tells.
    [[nodiscard]] std::size_t write_at_once(std::string_view bytes);
    /// Writes all of it; `done(error_code)`. The bytes must outlive the call, the transport as
    /// well.
    template <class Buffers, class Done>
    void write(const Buffers& buffers, Done done) {
        auto handler = [done = std::move(done)](error_code error, std::size_t) mutable {
            done(error);
        };
        if (secure_) {
            boost::asio::async_write(*secure_, buffers, std::move(handler));
        } else {
            boost::asio::async_write(socket_, buffers, std::move(handler));
        }
    }

    /// Ends the connection, but what has come already can still be read: read_some gives it, then
    /// nothing.
    void end();
    /// At once. What has come and was not read is lost.
    void close();
    /// At once, and what was written and has not left yet is not sent any more.
    void abort();

private:
    using Socket = net::AnySocket;

    static void input_came(void* self, bool dropped);
    Task<error_code> connect_tcp(RedisAddress address);
    Task<error_code> connect_unix(std::string path);
    Task<error_code> secure(std::string host);

    boost::asio::io_context& context_;
    std::shared_ptr<boost::asio::ssl::context> tls_;
    Socket socket_;
    net::ReadyWatch* watch_;  // ours until the destructor
    net::Waiter waiting_;     // for the watch
    bool reads_tell_rest_ = false;
    bool left_some_ = false;  // the last read did
    std::unique_ptr<boost::asio::ssl::stream<Socket&>> secure_;
    bool closed_ = false;
};

}  // namespace larder::redis
