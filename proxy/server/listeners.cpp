#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "net/tls_context.hpp"
#include "server/handover.hpp"
#include "server/listening.hpp"
#include "server/server.hpp"

// The listening sockets of a Server: those of its start, and those that a reload opens and closes.
namespace larder::server {
namespace {

std::string socket_name(const HostPort& address) { return "listen:" + to_text(address); }

const settings::Listener* find(const std::vector<settings::Listener>& listeners,
                               const HostPort& address) {
    const auto found = std::find_if(
        listeners.begin(), listeners.end(),
        [&](const settings::Listener& listener) { return listener.address == address; });
    return found == listeners.end() ? nullptr : &*found;
}

/// Reads the certificate.
ListenerOptions options_of(const settings::Listener& listener) {
    return {to_text(listener.address),
            listener.tls ? net::make_server_tls(listener, "listen") : net::TlsContext(),
            listener.proxy_protocol, listener.http2};
}

void log_listening(const settings::Listener& listener, int descriptor) {
    const std::string port =
        listener.address.is_unix() ? "" : ", port " + std::to_string(port_of(descriptor));
    spdlog::info("listening on {}{}{}", to_text(listener.address), listener.tls ? " (TLS)" : "",
                 port);
}

/// 127.0.0.1:80 and 0.0.0.0:80 exclude each other, unless both are ours.
bool shares_port(const std::vector<settings::Listener>& listeners, const HostPort& address) {
    return !address.is_unix() && address.port != 0 &&
           std::any_of(listeners.begin(), listeners.end(), [&](const settings::Listener& other) {
               return !other.address.is_unix() && other.address.port == address.port;
           });
}

}  // namespace

OpenedListeners::~OpenedListeners() {
    for (const OpenedListener& listener : listeners)
        for (const int descriptor : listener.sockets) ::close(descriptor);
}

void Server::open_listeners() {
    const int threads = static_cast<int>(workers_.size());
    const std::shared_ptr<const flow::Config> config = shared_.config.get();
    for (const settings::Listener& listener : config->settings.listen) {
        std::vector<int> sockets = inherited_sockets(socket_name(listener.address));
        if (sockets.empty()) sockets = open_listening(listener.address, threads);
        // The predecessor may have had fewer threads. If it had more, a worker gets several
        // sockets.
        const int missing = threads - static_cast<int>(sockets.size());
        if (missing > 0) open_more_listening(listener.address, missing, sockets);
        const ListenerOptions options = options_of(listener);
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            remember_socket(socket_name(listener.address), sockets[i]);
            workers_[i % workers_.size()]->add_listener({sockets[i], options});
        }
        log_listening(listener, sockets.front());
    }
}

std::vector<ListenerOptions> listener_options(const settings::Settings& settings) {
    std::vector<ListenerOptions> out;
    for (const settings::Listener& listener : settings.listen) out.push_back(options_of(listener));
    return out;
}

void Server::open_new_listeners(const settings::Settings& before, const settings::Settings& after,
                                OpenedListeners& opened) const {
    const int threads = static_cast<int>(workers_.size());
    for (const settings::Listener& listener : after.listen) {
        if (find(before.listen, listener.address)) continue;
        OpenedListener& made = opened.listeners.emplace_back();
        made.settings = listener;
        if (shares_port(before.listen, listener.address))
            open_more_listening(listener.address, threads, made.sockets);
        else
            made.sockets = open_listening(listener.address, threads);
    }
}

void Server::use_listeners(const settings::Settings& before, const settings::Settings& after,
                           const std::vector<ListenerOptions>& options, OpenedListeners& opened) {
    for (const settings::Listener& listener : before.listen) {
        if (find(after.listen, listener.address)) continue;
        forget_sockets(socket_name(listener.address));
        if (listener.address.is_unix()) ::unlink(listener.address.host.c_str());
        spdlog::info("no longer listening on {}; its open connections go on",
                     to_text(listener.address));
    }
    for (const auto& worker : workers_) {
        Worker* target = worker.get();
        target->post([target, options] { target->keep_listeners(options); });
    }
    for (OpenedListener& listener : opened.listeners) {
        const std::string address = to_text(listener.settings.address);
        const auto found =
            std::find_if(options.begin(), options.end(),
                         [&](const ListenerOptions& one) { return one.address == address; });
        for (std::size_t i = 0; i < listener.sockets.size(); ++i) {
            remember_socket(socket_name(listener.settings.address), listener.sockets[i]);
            Worker* target = workers_[i % workers_.size()].get();
            target->post([target, socket = ListeningSocket{listener.sockets[i], *found}] {
                target->open_listener(socket);
            });
        }
        log_listening(listener.settings, listener.sockets.front());
    }
    opened.listeners.clear();  // the workers own the sockets now
}

}  // namespace larder::server
