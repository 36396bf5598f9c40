#include "redis/redirect.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redis/slots.hpp"

namespace larder::redis {
namespace {

std::optional<RedisAddress> read_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto port = parse_decimal(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    return RedisAddress{std::string(text.substr(0, colon)), static_cast<std::uint16_t>(*port)};
}

// "MOVED 3999 127.0.0.1:6381"
Redirect read_place(Redirect::Kind kind, std::string_view text) {
    Redirect redirect;
    const std::size_t blank = text.find(' ');
    const auto slot = parse_decimal(text.substr(0, blank));
    if (!slot || *slot >= slots_all || blank == text.npos) return redirect;
    const auto address = read_address(text.substr(blank + 1));
    if (!address) return redirect;
    redirect.kind = kind;
    redirect.slot = static_cast<int>(*slot);
    redirect.address = *address;
    return redirect;
}

/// An empty host, and "?", mean that the node does not know under which name it is reached.
std::string host_of(const RedisReply& node, const RedisAddress& asked) {
    const RedisReply& host = node.items[0];
    if (!host.is_text() || host.text.empty()) return asked.host;
    if (host.text != "?") return host.text;
    // Redis 7 tells the address beside the preferred name: ["ip", "10.0.0.7"].
    if (node.items.size() < 4) return {};
    const std::vector<RedisReply>& more = node.items[3].items;
    for (std::size_t i = 0; i + 1 < more.size(); i += 2)
        if (more[i].text == "ip") return more[i + 1].text;
    return {};
}

bool is_integer(const RedisReply& reply, std::int64_t least, std::int64_t most) {
    return reply.type == RedisReply::Type::integer && reply.integer >= least &&
           reply.integer <= most;
}

}  // namespace

Redirect read_redirect(const RedisReply& reply) {
    using Kind = Redirect::Kind;
    if (!reply.is_error()) return {};
    const std::string_view text = reply.text;
    if (reply.is_error("MOVED ")) return read_place(Kind::moved, text.substr(6));
    if (reply.is_error("ASK ")) return read_place(Kind::ask, text.substr(4));
    Redirect redirect;
    if (reply.is_error("TRYAGAIN")) redirect.kind = Kind::try_again;
    if (reply.is_error("CLUSTERDOWN")) redirect.kind = Kind::down;
    return redirect;
}

std::optional<std::vector<SlotRange>> read_slots(const RedisReply& reply,
                                                 const RedisAddress& asked) {
    if (reply.type != RedisReply::Type::array) return std::nullopt;
    std::vector<SlotRange> ranges;
    for (const RedisReply& item : reply.items) {
        const bool whole = item.items.size() >= 3 && item.items[2].items.size() >= 2 &&
                           is_integer(item.items[0], 0, slots_all - 1) &&
                           is_integer(item.items[1], item.items[0].integer, slots_all - 1);
        if (!whole || !is_integer(item.items[2].items[1], 1, 65535)) return std::nullopt;
        SlotRange range;
        range.first = static_cast<int>(item.items[0].integer);
        range.last = static_cast<int>(item.items[1].integer);
        range.master = {host_of(item.items[2], asked),
                        static_cast<std::uint16_t>(item.items[2].items[1].integer)};
        if (!range.master.host.empty()) ranges.push_back(std::move(range));
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const SlotRange& a, const SlotRange& b) { return a.first < b.first; });
    return ranges;
}

}  // namespace larder::redis
