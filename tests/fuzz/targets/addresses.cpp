#include "settings/addresses.hpp"

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "redis/url.hpp"
#include "settings/units.hpp"
#include "settings/urls.hpp"

namespace larder::fuzz {
namespace {

bool same(const settings::RedisUrl& checked, const redis::RedisUrl& used) {
    if (checked.servers.size() != used.addresses.size()) return false;
    for (std::size_t i = 0; i < used.addresses.size(); ++i) {
        if (checked.servers[i].port != used.addresses[i].port) return false;
        // An IPv6 address has many spellings.
        if (!checked.servers[i].ipv6 && !iequals(checked.servers[i].host, used.addresses[i].host))
            return false;
    }
    return checked.socket == used.path && checked.master == used.master &&
           checked.user == used.user && checked.password == used.password &&
           checked.database == static_cast<int>(used.database);
}

}  // namespace

// Values of the configuration: addresses, URLs, durations, sizes. What is written canonically is
// read as the same.
void addresses(std::string_view input) {
    if (const auto address = settings::parse_address(input)) {
        const std::string text = settings::address_text(*address);
        const auto again = settings::parse_address(text);
        require(again && settings::address_text(*again) == text,
                "an address written is the address read");
    }
    if (const auto network = settings::parse_network(input)) {
        const auto again = settings::parse_network(network->text);
        require(again && again->text == network->text && !again->had_host_bits,
                "a network written is the network read");
    }
    std::string fault;
    if (const auto url = settings::parse_origin_url(input, fault)) {
        const std::string text = settings::origin_url_text(*url);
        const auto again = settings::parse_origin_url(text, fault);
        require(again && settings::origin_url_text(*again) == text,
                "a URL written is the URL read");
    } else {
        require(!fault.empty(), "a refusal says why");
    }
    fault.clear();
    const auto checked = settings::parse_redis_url(input, fault);
    const auto used = redis::parse_redis_url(input);
    require(!checked || used, "what check accepts can be connected to");
    if (checked) require(same(*checked, *used), "check and the connection read the same in a URL");
    if (checked && !checked->password.empty()) {
        const std::string masked = settings::mask_password(input);
        require(masked.find("***") != std::string::npos, "a password is masked");
    }
    if (const auto duration = settings::parse_duration(input))
        require(settings::parse_duration(settings::duration_text(*duration)) == duration,
                "a duration written is the one read");
    if (const auto size = settings::parse_size(input))
        require(settings::parse_size(settings::size_text(*size)) == size,
                "a size written is the one read");
    settings::parse_percentage(input);
}

}  // namespace larder::fuzz
