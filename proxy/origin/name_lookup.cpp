#include "origin/name_lookup.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

namespace larder::origin {
namespace {

LookupAnswer look_up(const std::string& host, const std::string& port) {
    LookupAnswer answer;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) {
        answer.error = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
        return answer;
    }
    for (const addrinfo* one = found; one; one = one->ai_next) {
        Endpoint endpoint;
        if (one->ai_addrlen > endpoint.capacity()) continue;
        if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
        std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
        endpoint.resize(one->ai_addrlen);
        answer.endpoints.push_back(endpoint);
    }
    ::freeaddrinfo(found);
    if (answer.endpoints.empty()) answer.error = "it has no address";
    return answer;
}

// Signals are for the threads that wait for them.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

struct NameLookup::Gate {
    std::mutex mutex;
    bool open = true;
};

NameLookup::NameLookup() : gate_(std::make_shared<Gate>()) {}

NameLookup::~NameLookup() {
    const std::scoped_lock lock(gate_->mutex);
    gate_->open = false;
}

void NameLookup::start(std::string host, std::string port, Then then) {
    const auto run = [gate = gate_, host = std::move(host), port = std::move(port), then] {
        block_signals();
        LookupAnswer answer;
        try {
            answer = look_up(host, port);
        } catch (const std::bad_alloc&) {
            answer = {};  // an answer without addresses is a failed lookup
        }
        const std::scoped_lock lock(gate->mutex);
        if (gate->open) then(std::move(answer));
    };
    try {
        std::thread(run).detach();
    } catch (const std::system_error& error) {
        then({{}, error.what()});
    }
}

}  // namespace larder::origin
