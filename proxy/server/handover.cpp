#include "server/handover.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <map>

extern char** environ;

namespace larder::server {
namespace {

constexpr const char* sockets_variable = "LARDER_SOCKETS";
constexpr const char* predecessor_variable = "LARDER_PREDECESSOR";
/// Names the process whose signs of life systemd expects; after a hand-over it is the successor.
constexpr const char* watchdog_variable = "WATCHDOG_PID";

struct Named {
    std::string name;
    int descriptor;
};

std::vector<Named>& remembered() {
    static std::vector<Named> sockets;
    return sockets;
}

// "name=fd;name=fd". Names contain neither '=' nor ';'.
std::vector<Named> parse(const char* text) {
    std::vector<Named> out;
    std::string rest = text ? text : "";
    while (!rest.empty()) {
        const std::size_t end = rest.find(';');
        const std::string item = rest.substr(0, end);
        const std::size_t equals = item.rfind('=');
        if (equals != std::string::npos)
            out.push_back({item.substr(0, equals), std::atoi(item.c_str() + equals + 1)});
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    return out;
}

// The process that left the sockets, if it really started this one and still runs then; else 0.
pid_t predecessor_id() {
    static const pid_t id = [] {
        const char* predecessor = std::getenv(predecessor_variable);
        return predecessor && std::atoi(predecessor) == ::getppid() ? ::getppid() : 0;
    }();
    return id;
}

std::vector<Named>& inherited() {
    static std::vector<Named> sockets = [] {
        if (predecessor_id() == 0) return std::vector<Named>{};
        return parse(std::getenv(sockets_variable));
    }();
    return sockets;
}

}  // namespace

void close_inherited_descriptors() {
    std::vector<unsigned> kept;
    for (const Named& socket : inherited())
        kept.push_back(static_cast<unsigned>(socket.descriptor));
    if (kept.empty()) return;
    std::sort(kept.begin(), kept.end());
    unsigned first = STDERR_FILENO + 1;
    for (const unsigned descriptor : kept) {
        if (descriptor > first) ::close_range(first, descriptor - 1, 0);
        first = descriptor + 1;
    }
    ::close_range(first, UINT_MAX, 0);
}

void remember_socket(const std::string& name, int descriptor) {
    remembered().push_back({name, descriptor});
}

void forget_sockets(const std::string& name) {
    std::erase_if(remembered(), [&](const Named& socket) { return socket.name == name; });
}

std::vector<int> inherited_sockets(const std::string& name) {
    std::vector<int> found;
    for (Named& socket : inherited()) {
        if (socket.name != name || socket.descriptor < 0) continue;
        ::fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
        found.push_back(socket.descriptor);
        socket.descriptor = -1;
    }
    return found;
}

bool is_first_process() { return ::getpid() == 1; }

int start_successor(const std::vector<std::string>& arguments, int channel) {
    std::vector<Named> passed = remembered();
    if (channel >= 0) passed.push_back({succession_channel, channel});
    std::string list;
    for (const Named& socket : passed) {
        ::fcntl(socket.descriptor, F_SETFD, 0);
        list += (list.empty() ? "" : ";") + socket.name + "=" + std::to_string(socket.descriptor);
    }
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable) {
        const std::string text = *variable;
        if (!text.starts_with(std::string(sockets_variable) + "=") &&
            !text.starts_with(std::string(predecessor_variable) + "=") &&
            !text.starts_with(std::string(watchdog_variable) + "="))
            environment.push_back(text);
    }
    environment.push_back(std::string(sockets_variable) + "=" + list);
    environment.push_back(std::string(predecessor_variable) + "=" + std::to_string(::getpid()));
    std::vector<char*> argv;
    std::vector<char*> envp;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    for (const std::string& variable : environment)
        envp.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    // Started by name, so that a replaced binary is the one that runs; /proc/self/exe would be the
    // old one.
    pid_t child = -1;
    const int failed = ::posix_spawnp(&child, arguments.front().c_str(), nullptr, nullptr,
                                      argv.data(), envp.data());
    for (const Named& socket : passed) ::fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
    return failed == 0 ? child : -1;
}

// The child of a process that has ended gets another parent.
bool predecessor_lives() { return predecessor_id() != 0 && predecessor_id() == ::getppid(); }

void tell_predecessor() {
    const char* predecessor = std::getenv(predecessor_variable);
    if (!predecessor || std::atoi(predecessor) != ::getppid()) return;
    // Closes inherited sockets that this configuration does not use.
    for (Named& socket : inherited())
        if (socket.descriptor >= 0) ::close(std::exchange(socket.descriptor, -1));
    ::kill(::getppid(), SIGTERM);
    ::unsetenv(predecessor_variable);
    ::unsetenv(sockets_variable);
}

}  // namespace larder::server
