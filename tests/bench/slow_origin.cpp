// An origin that takes a while and next to no CPU: each request is answered after so many
// milliseconds with a JSON array of so many bytes. Prints its port. slow_origin MILLISECONDS BYTES
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

std::string answer_of(std::size_t bytes) {
    std::string body = "[\"";
    body.append(bytes > 4 ? bytes - 4 : 0, 'x').append("\"]");
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Requests without a body, one after the other.
void serve(int peer, std::chrono::milliseconds delay, const std::string& answer) {
    std::string in;
    char bytes[4096];
    while (true) {
        const ssize_t size = ::recv(peer, bytes, sizeof bytes, 0);
        if (size <= 0) break;
        in.append(bytes, static_cast<std::size_t>(size));
        if (!in.ends_with("\r\n\r\n")) continue;
        in.clear();
        std::this_thread::sleep_for(delay);
        if (::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    ::close(peer);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("slow_origin MILLISECONDS BYTES\n", stderr);
        return 2;
    }
    const std::chrono::milliseconds delay(std::atoi(argv[1]));
    const std::string answer = answer_of(static_cast<std::size_t>(std::atol(argv[2])));
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, name, size) != 0 || ::listen(listener, 64) != 0 ||
        ::getsockname(listener, name, &size) != 0) {
        std::perror("slow_origin");
        return 1;
    }
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    while (true) {
        const int peer = ::accept(listener, nullptr, nullptr);
        if (peer < 0) return 1;
        std::thread(serve, peer, delay, std::cref(answer)).detach();
    }
}
