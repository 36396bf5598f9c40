#include "origin/upstream.hpp"

#include <openssl/ssl.h>

#include <stdexcept>

namespace larder::origin {
namespace {

constexpr int failures_max = 3;
constexpr std::int64_t ejected_ms = 10'000;

std::int64_t ms_of(SteadyTime at) { return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count(); }

void fill_from_url(Server& server, const std::string& url, const settings::OriginTls& tls) {
    server.url = url;
    server.tls = url.starts_with("https://");
    std::string rest = url.substr(server.tls ? 8 : 7);
    if (const auto slash = rest.find('/'); slash != std::string::npos) rest.resize(slash);
    server.authority = rest;
    std::string port;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        server.host = rest.substr(1, close - 1);
        if (close + 2 < rest.size()) port = rest.substr(close + 2);
    } else {
        const auto colon = rest.find(':');
        server.host = rest.substr(0, colon);
        if (colon != std::string::npos) port = rest.substr(colon + 1);
    }
    server.port = !port.empty() ? port : server.tls ? "443" : "80";
    server.server_name = tls.server_name.empty() ? server.host : tls.server_name;
}

ssl_ctx_st* make_tls_context(const settings::OriginTls& tls) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    static constexpr unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
    if (!tls.verify) return context;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const bool loaded = tls.ca.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                       : SSL_CTX_load_verify_locations(context, tls.ca.c_str(), nullptr) == 1;
    if (!loaded) {
        SSL_CTX_free(context);
        throw std::runtime_error("origin.tls.ca: cannot load certificates from " + (tls.ca.empty() ? "the system's store" : tls.ca));
    }
    return context;
}

}  // namespace

Upstream::Upstream(const settings::Origin& settings) : settings_(settings) {
    bool any_tls = false;
    for (const std::string& url : settings_.servers) {
        auto server = std::make_unique<Server>();
        fill_from_url(*server, url, settings_.tls);
        any_tls |= server->tls;
        servers_.push_back(std::move(server));
    }
    if (any_tls) tls_context_ = make_tls_context(settings_.tls);
}

Upstream::~Upstream() {
    if (tls_context_) SSL_CTX_free(tls_context_);
}

bool Upstream::usable(const Server& server, SteadyTime now) {
    if (!server.up.load(std::memory_order_relaxed)) return false;
    const std::int64_t until = server.ejected_until.load(std::memory_order_relaxed);
    return until == 0 || ms_of(now) >= until;
}

Server* Upstream::pick(const Server* avoid, SteadyTime now) {
    if (servers_.size() == 1) return servers_[0]->up.load(std::memory_order_relaxed) ? servers_[0].get() : nullptr;
    const std::size_t start = next_.fetch_add(1, std::memory_order_relaxed) % servers_.size();
    Server* best = nullptr;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& server = *servers_[(start + i) % servers_.size()];
        if (&server == avoid || !usable(server, now)) continue;
        if (settings_.balance == settings::Balance::round_robin) return &server;
        if (!best || server.requests.load(std::memory_order_relaxed) < best->requests.load(std::memory_order_relaxed)) best = &server;
    }
    if (best) return best;
    // Nobody else is usable: an ejected one is better than none.
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& server = *servers_[(start + i) % servers_.size()];
        if (server.up.load(std::memory_order_relaxed)) return &server;
    }
    return nullptr;
}

void Upstream::note_failure(Server& server, SteadyTime now) {
    if (server.failures.fetch_add(1, std::memory_order_relaxed) + 1 < failures_max || servers_.size() < 2) return;
    server.failures.store(0, std::memory_order_relaxed);
    server.ejected_until.store(ms_of(now) + ejected_ms, std::memory_order_relaxed);
}

}  // namespace larder::origin
