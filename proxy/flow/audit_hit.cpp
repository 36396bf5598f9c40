#include "flow/audit_hit.hpp"

#include <algorithm>

#include "cache/freshness.hpp"
#include "flow/fetch_aside.hpp"
#include "net/detached.hpp"

namespace larder::flow {
namespace {

using observe::AuditResult;
using origin::BodyReader;

constexpr int at_once_max = 10;

// Counts an audit while it is under way.
class Place {
public:
    explicit Place(std::atomic<int>& count) : count_(&count) {
        taken_ = count.fetch_add(1, std::memory_order_relaxed) < at_once_max;
    }
    ~Place() { count_->fetch_sub(1, std::memory_order_relaxed); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    [[nodiscard]] bool taken() const { return taken_; }

private:
    std::atomic<int>* count_;
    bool taken_;
};

/// All that an audit needs once its client has gone on.
struct Audit {
    Audit(Client& client, cache::Stored entry_in, std::unique_ptr<Place> place_in)
        : place(std::move(place_in)),
          services(client.services),
          config(client.config),
          route(*client.exchange().plan.route),
          request(client.request()),
          captures(request.captures_of(client.exchange().match.captures, client.request())),
          key(client.exchange().key),
          sender(sender_of(client)),
          entry(std::move(entry_in)),
          age(static_cast<std::uint64_t>(
              cache::current_age(entry->freshness(), wall_now()).count())) {}

    std::unique_ptr<Place> place;
    Services& services;
    std::shared_ptr<const Config> config;
    const route::CompiledRoute& route;  // the configuration's
    OwnedRequest request;
    route::Captures captures;
    std::string key;
    Sender sender;
    cache::Stored entry;
    std::uint64_t age;
};

bool has_credentials(const http::RequestHead& request, const route::CompiledRoute& route) {
    return std::any_of(request.fields.begin(), request.fields.end(), [&](const http::Field& line) {
        return line.id == http::FieldId::authorization || line.id == http::FieldId::cookie ||
               route.credential_fields.has(line.name);
    });
}

// The next of a row of evenly spread numbers (splitmix64).
double next_chance(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return static_cast<double>((mixed ^ mixed >> 31) >> 11) * 0x1.0p-53;
}

net::Task<AuditResult> compare(Audit& audit) {
    origin::Exchange exchange;
    const AsideRequest aside{*audit.config, &audit.route, audit.captures, audit.request.head(),
                             audit.sender};
    co_await ask_aside(audit.services, aside, exchange);
    if (exchange.failed()) co_return AuditResult::failed;
    if (exchange.head.status >= 500 && audit.entry->status() < 500) co_return AuditResult::failed;
    if (exchange.head.status != audit.entry->status()) co_return AuditResult::different;
    BodyReader body(exchange.connection->stream, exchange.connection->in, exchange.head.framing,
                    exchange.head.content_length,
                    audit.config->upstream_of(&audit.route)->settings().idle_timeout,
                    http::ChunkSender::origin);
    const std::string_view stored = audit.entry->body();
    std::size_t seen = 0;
    while (true) {
        const BodyReader::Piece piece = co_await body.next();
        if (piece.status == BodyReader::Status::end) break;
        if (piece.status != BodyReader::Status::data) co_return AuditResult::failed;
        if (stored.compare(seen, piece.data.size(), piece.data) != 0)
            co_return AuditResult::different;
        seen += piece.data.size();
    }
    finish_exchange(audit.services.origin, exchange, body);
    co_return seen == stored.size() ? AuditResult::same : AuditResult::different;
}

net::Task<void> run_audit(std::unique_ptr<Audit> audit) {
    const AuditResult result = co_await compare(*audit);
    // A write came meanwhile: the cache has forgotten the entry, and the two may well differ.
    if (!audit->services.memory.may_serve(audit->key, *audit->entry)) co_return;
    audit->services.metrics.record_audit(audit->config->path_ids[audit->route.index], result,
                                         audit->age);
}

}  // namespace

void audit_if_chosen(Client& client, const cache::Stored& entry) {
    const Exchange& exchange = client.exchange();
    const route::CompiledRoute& route = *exchange.plan.route;
    if (route.rule.audit <= 0 || client.services.draining ||
        exchange.request.method == http::Method::head ||
        next_chance(client.services.audit_chance) >= route.rule.audit ||
        has_credentials(exchange.request, route))
        return;
    auto place = std::make_unique<Place>(*client.services.audits);
    if (!place->taken()) return;
    auto audit = std::make_unique<Audit>(client, entry, std::move(place));
    // The hit is answered first.
    net::start_detached_later(client.services.executor(), run_audit(std::move(audit)), "an audit");
}

}  // namespace larder::flow
