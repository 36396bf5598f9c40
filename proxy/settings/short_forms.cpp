// The forms that are one text: a listener's or the admin's address, an origin's or a Redis' URL.
#include "base/host_port.hpp"
#include "settings/sections.hpp"
#include "settings/units.hpp"

namespace larder::settings {
namespace {

constexpr const char* an_address =
    "expected an address such as 127.0.0.1:8080, [::1]:8080, :8080 or unix:/run/larder.sock";

bool is_off(std::string_view text) { return parse_switch(text) == false; }

}  // namespace

std::string set_listen(std::string_view text, std::vector<Listener>& listen) {
    const auto address = parse_listen_address(text);
    if (!address) return std::string(an_address) + ", not \"" + std::string(text) + '"';
    listen = {Listener{*address, std::nullopt, false}};
    return "";
}

std::string set_admin(std::string_view text, Admin& admin) {
    const auto address = parse_listen_address(text);
    if (!address && !is_off(text))
        return std::string(an_address) + ", or off, not \"" + std::string(text) + '"';
    admin.address = address;
    return "";
}

std::string set_origin(std::string_view text, Origin& origin) {
    std::string fault;
    const auto url = parse_origin_url(text, fault);
    if (url) origin.servers = {*url};
    return fault;
}

std::string set_redis(std::string_view text, std::optional<Redis>& redis) {
    if (is_off(text)) {
        redis.reset();
        return "";
    }
    std::string fault;
    const auto url = parse_redis_url(text, fault);
    if (!url) return fault;
    if (!redis) redis.emplace();
    redis->url = *url;
    return "";
}

}  // namespace larder::settings
