#include "redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace {

int unused_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool good = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    if (!good) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

std::string text_of(const redisReply* reply) {
    switch (reply->type) {
        case REDIS_REPLY_NIL:
            return "(nil)";
        case REDIS_REPLY_INTEGER:
            return std::to_string(reply->integer);
        case REDIS_REPLY_ARRAY: {
            std::string out;
            for (std::size_t i = 0; i < reply->elements; ++i)
                out += text_of(reply->element[i]) + "\n";
            return out;
        }
        default:
            return std::string(reply->str, static_cast<std::size_t>(reply->len));
    }
}

}  // namespace

int RedisServer::free_port() { return unused_port(); }

RedisServer::RedisServer(std::vector<std::string> options) : options_(std::move(options)) {
    prepare();
    start();
}

RedisServer::RedisServer(Sentinel sentinel) {
    prepare();
    sentinel_config_ = directory_ + "/sentinel.conf";
    std::ofstream(sentinel_config_)
        << "sentinel monitor m 127.0.0.1 " << sentinel.master_port << " 1\n";
    start();
}

RedisServer RedisServer::sentinel_of(int master_port) { return RedisServer(Sentinel{master_port}); }

void RedisServer::prepare() {
    std::string name = (std::filesystem::temp_directory_path() / "larder-redis-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    port_ = free_port();
}

RedisServer::~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void RedisServer::start() {
    std::vector<std::string> words{"redis-server",
                                   "--port",
                                   std::to_string(port_),
                                   "--bind",
                                   "127.0.0.1",
                                   "--dir",
                                   directory_,
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--unixsocket",
                                   directory_ + "/socket"};
    if (!sentinel_config_.empty())
        words = {"redis-server", sentinel_config_, "--sentinel", "--port",  std::to_string(port_),
                 "--bind",       "127.0.0.1",      "--dir",      directory_};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        const int null = ::open("/dev/null", O_WRONLY);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    wait_until_up();
}

void RedisServer::wait_until_up() const {
    for (int i = 0; i < 400; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port_));
        const bool up = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        if (up) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    throw std::runtime_error("redis-server does not come up");
}

void RedisServer::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void RedisServer::freeze() { ::kill(pid_, SIGSTOP); }
void RedisServer::thaw() { ::kill(pid_, SIGCONT); }

std::string RedisServer::run(std::vector<std::string> command) const {
    redisContext* context = redisConnect("127.0.0.1", port_);
    if (context == nullptr || context->err != 0)
        throw std::runtime_error("cannot connect to redis-server");
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : command) {
        words.push_back(word.data());
        sizes.push_back(word.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context, static_cast<int>(words.size()), words.data(), sizes.data()));
    const std::string text = reply != nullptr ? text_of(reply) : "(lost)";
    if (reply != nullptr) freeReplyObject(reply);
    redisFree(context);
    return text;
}
