#include "origin/upstream.hpp"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <stdexcept>

namespace larder::origin {
namespace {

std::int64_t ms_of(SteadyTime at) {
    return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count();
}

void fill_from_url(Server& server, const settings::OriginUrl& url, const settings::OriginTls& tls) {
    server.url = url.text();
    server.tls = url.tls;
    server.host = url.server.host;
    server.port = std::to_string(url.server.port);
    server.is_unix = url.server.is_unix();
    server.authority = server.is_unix ? "localhost" : to_text(url.server);
    server.server_name = tls.server_name.empty() ? server.host : tls.server_name;
    // RFC 6066, 3: a server name has no trailing dot, and neither has the name in a certificate.
    if (server.server_name.ends_with('.')) server.server_name.pop_back();
    boost::system::error_code not_numeric;
    boost::asio::ip::make_address(server.host, not_numeric);
    server.is_name = !server.is_unix && static_cast<bool>(not_numeric);
}

Endpoint numeric_endpoint(const Server& server) {
    if (server.is_unix) return {};
    const auto address = boost::asio::ip::make_address(server.host);
    return {address, static_cast<std::uint16_t>(std::stoi(server.port))};
}

std::string list_text(const std::vector<Endpoint>& endpoints) {
    std::string text;
    for (const Endpoint& endpoint : endpoints)
        text.append(text.empty() ? "" : ", ").append(to_text(endpoint));
    return text;
}

std::vector<Endpoint> endpoints_of(const Addresses& addresses) {
    std::vector<Endpoint> endpoints;
    for (const auto& address : addresses) endpoints.push_back(address->endpoint);
    return endpoints;
}

bool is_up_now(const Address& address) { return address.up.load(std::memory_order_relaxed); }

net::TlsContext make_tls_context(const settings::OriginTls& tls) {
    net::TlsContext owner = net::own_tls_context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = owner.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    static constexpr unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
    if (!tls.verify) return owner;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const bool loaded = tls.ca.empty()
                            ? SSL_CTX_set_default_verify_paths(context) == 1
                            : SSL_CTX_load_verify_locations(context, tls.ca.c_str(), nullptr) == 1;
    if (!loaded) {
        throw std::runtime_error("tls.ca: cannot load certificates from " +
                                 (tls.ca.empty() ? "the system's store" : tls.ca));
    }
    return owner;
}

// The certificate that larder shows to an origin that asks for one.
void use_certificate(SSL_CTX* context, const settings::OriginTls& tls) {
    if (tls.certificate.empty()) return;
    if (SSL_CTX_use_certificate_chain_file(context, tls.certificate.c_str()) != 1)
        throw std::runtime_error("tls.certificate: cannot use " + tls.certificate +
                                 ": it is no PEM certificate");
    if (SSL_CTX_use_PrivateKey_file(context, tls.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        throw std::runtime_error("tls.key: cannot use " + tls.key +
                                 ": it is no PEM key, or not that of the certificate");
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

std::string to_text(const Address& address) {
    return address.server.is_unix ? "unix:" + address.server.host : to_text(address.endpoint);
}

Counted reserve_place(Address& address, int most) {
    int open = address.connections.load(std::memory_order_relaxed);
    while (open < most)
        if (address.connections.compare_exchange_weak(open, open + 1, std::memory_order_relaxed))
            return Counted::adopt(address.connections);
    return {};
}

Upstream::Upstream(const settings::Origin& settings, const Upstream* before)
    : settings_(settings), began_(steady_now()) {
    bool any_tls = false;
    for (const settings::OriginUrl& url : settings_.servers) {
        auto server = std::make_unique<Server>();
        fill_from_url(*server, url, settings_.tls);
        any_tls |= server->tls;
        has_names_ |= server->is_name;
        names_.emplace_back(settings_.resolve);
        if (!server->is_name)
            names_.back().addresses.push_back(
                std::make_shared<Address>(*server, numeric_endpoint(*server)));
        servers_.push_back(std::move(server));
    }
    if (any_tls) {
        tls_context_ = make_tls_context(settings_.tls);
        use_certificate(tls_context_.get(), settings_.tls);
    }
    if (before) take_over(*before);
    publish();
    look_up_due(began_);
}

Upstream::~Upstream() = default;

// A reload neither waits for a lookup, nor forgets which addresses are out of use.
void Upstream::take_over(const Upstream& before) {
    const std::scoped_lock lock(before.mutex_);
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        const Server& server = *servers_[i];
        for (std::size_t k = 0; k < before.servers_.size(); ++k) {
            const Server& known = *before.servers_[k];
            if (known.host != server.host || known.port != server.port) continue;
            names_[i].was_answered = before.names_[k].was_answered;
            names_[i].failed = before.names_[k].failed;
            names_[i].addresses.clear();
            for (const auto& old : before.names_[k].addresses) {
                auto address = std::make_shared<Address>(server, old->endpoint);
                if (!settings_.health.path.empty()) address->up = old->up.load();
                address->reachable = old->reachable.load();
                address->told_unreachable = old->told_unreachable.load();
                address->failures = old->failures.load();
                address->ejected_until = old->ejected_until.load();
                names_[i].addresses.push_back(std::move(address));
            }
            break;
        }
    }
}

std::shared_ptr<const Addresses> Upstream::addresses() const {
    const std::scoped_lock lock(mutex_);
    return addresses_;
}

// Called by the constructor, and with the mutex held.
void Upstream::publish() {
    auto all = std::make_shared<Addresses>();
    for (const Name& name : names_)
        all->insert(all->end(), name.addresses.begin(), name.addresses.end());
    addresses_ = std::move(all);
    version_.fetch_add(1, std::memory_order_release);
}

bool Upstream::usable(const Address& address, SteadyTime now) {
    if (!is_up_now(address) || !address.reachable.load(std::memory_order_relaxed)) return false;
    const std::int64_t until = address.ejected_until.load(std::memory_order_relaxed);
    return until == 0 || ms_of(now) >= until;
}

Address* Upstream::pick(const Addresses& addresses, SteadyTime now) {
    const std::size_t count = addresses.size();
    if (count == 0) return nullptr;
    if (count == 1) return is_up_now(*addresses[0]) ? addresses[0].get() : nullptr;
    const std::size_t start = next_.fetch_add(1, std::memory_order_relaxed) % count;
    Address* best = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        Address& address = *addresses[(start + i) % count];
        if (!usable(address, now)) continue;
        if (settings_.balance == settings::Balance::round_robin) return &address;
        const int requests = address.requests.load(std::memory_order_relaxed);
        if (!best || requests < best->requests.load(std::memory_order_relaxed)) best = &address;
    }
    if (best) return best;
    // No address is usable: one that fails is better than none.
    for (std::size_t i = 0; i < count; ++i) {
        Address& address = *addresses[(start + i) % count];
        if (is_up_now(address)) return &address;
    }
    return nullptr;
}

void Upstream::note_failure(Address& address, SteadyTime now) {
    const settings::Ejection& ejection = settings_.ejection;
    const int failures = address.failures.fetch_add(1, std::memory_order_relaxed) + 1;
    if (ejection.failures == 0 || failures < ejection.failures) return;
    address.failures.store(0, std::memory_order_relaxed);
    address.ejected_until.store(ms_of(now) + ejection.duration.count(), std::memory_order_relaxed);
}

void Upstream::note_connected(Address& address) {
    if (address.reachable.load(std::memory_order_relaxed)) return;
    address.reachable.store(true, std::memory_order_relaxed);
    if (address.told_unreachable.exchange(false))
        spdlog::info("origin server {}: {} accepts connections again", address.server.url,
                     to_text(address));
}

void Upstream::note_not_connected(Address& address, ConnectFailure failure, SteadyTime now) {
    address.reachable.store(false, std::memory_order_relaxed);
    if (failure == ConnectFailure::slow || address.gone) return;
    if (!address.told_unreachable.exchange(true))
        spdlog::warn(
            "origin server {}: {} cannot be reached; it is left out while there is another address",
            address.server.url, to_text(address));
    if (!address.server.is_name) return;
    {
        const std::scoped_lock lock(mutex_);
        names_[index_of(address.server)].plan.demand();
    }
    look_up_due(now);
}

std::size_t Upstream::index_of(const Server& server) const {
    std::size_t i = 0;
    while (servers_[i].get() != &server) ++i;
    return i;
}

void Upstream::look_up_due(SteadyTime now) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        if (!servers_[i]->is_name) continue;
        {
            const std::scoped_lock lock(mutex_);
            if (!names_[i].plan.is_due(now)) continue;
            names_[i].plan.begin(now);
        }
        const auto then = [this, i](const LookupAnswer& answer) { take_answer(i, answer); };
        lookup_.start(servers_[i]->host, servers_[i]->port, then);
    }
}

void Upstream::take_answer(std::size_t server, const LookupAnswer& answer) {
    AddressChange change;
    bool failed_before = false;
    {
        const std::scoped_lock lock(mutex_);
        Name& name = names_[server];
        const bool answered = !answer.endpoints.empty();
        failed_before = name.failed;
        name.plan.end(steady_now(), answered);
        name.failed = !answered;
        name.was_answered |= answered;
        change = merge_addresses(endpoints_of(name.addresses), answer.endpoints);
        if (change.any()) {
            Addresses now;
            for (const auto& address : name.addresses) {
                const auto& gone = change.gone;
                const bool stays =
                    std::find(gone.begin(), gone.end(), address->endpoint) == gone.end();
                if (stays) now.push_back(address);
                if (!stays) address->gone = true;
            }
            for (const Endpoint& endpoint : change.added)
                now.push_back(std::make_shared<Address>(*servers_[server], endpoint));
            name.addresses = std::move(now);
            publish();
        }
    }
    tell_answer(*servers_[server], change, answer, failed_before);
}

void Upstream::tell_answer(const Server& server, const AddressChange& change,
                           const LookupAnswer& answer, bool failed_before) const {
    const bool failed = answer.endpoints.empty();
    if (failed && !failed_before) {
        const char* rest = has_address(server) ? "the addresses of before stay in use"
                                               : "it has no address to send requests to";
        spdlog::warn("origin server {}: looking up {} failed: {}; {}; trying again", server.url,
                     server.host, answer.error, rest);
    }
    if (failed) return;
    if (failed_before)
        spdlog::info("origin server {}: {} can be looked up again", server.url, server.host);
    if (!change.gone.empty())
        spdlog::info("origin server {}: no longer at {}, now at {}", server.url,
                     list_text(change.gone), list_text(change.now));
    else if (!change.added.empty())
        spdlog::info("origin server {}: at {}", server.url, list_text(change.now));
}

SteadyTime Upstream::first_answers_by() const {
    if (!has_names_) return SteadyTime::min();
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        const Name& name = names_[i];
        const bool awaited = servers_[i]->is_name && !name.was_answered && !name.failed;
        if (awaited) return began_ + settings_.connect_timeout;
    }
    return SteadyTime::min();
}

bool Upstream::has_address(const Server& server) const {
    const std::scoped_lock lock(mutex_);
    return !names_[index_of(server)].addresses.empty();
}

bool Upstream::is_up(const Server& server) const {
    const std::scoped_lock lock(mutex_);
    const Name& name = names_[index_of(server)];
    if (name.addresses.empty()) return !name.failed;
    return std::any_of(name.addresses.begin(), name.addresses.end(),
                       [](const auto& address) { return is_up_now(*address); });
}

}  // namespace larder::origin
