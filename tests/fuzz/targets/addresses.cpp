#include "base/host_port.hpp"
#include "base/network.hpp"
#include "fuzz/fuzz.hpp"
#include "settings/origin_url.hpp"
#include "settings/redis_url.hpp"
#include "settings/units.hpp"

namespace larder::fuzz {

// Values of the configuration: addresses, URLs, durations, sizes. What is written canonically is
// read as the same.
void addresses(std::string_view input) {
    if (const auto address = parse_listen_address(input))
        require(parse_listen_address(to_text(*address)) == address,
                "an address written is the address read");
    if (const auto network = parse_network(input)) {
        const Network canonical = network->canonical();
        require(
            parse_network(to_text(canonical)) == canonical && canonical.canonical() == canonical,
            "a network written is the network read");
    }
    std::string fault;
    if (const auto url = settings::parse_origin_url(input, fault)) {
        require(settings::parse_origin_url(url->text(), fault) == url,
                "a URL written is the URL read");
    } else {
        require(!fault.empty(), "a refusal says why");
    }
    fault.clear();
    if (const auto url = settings::parse_redis_url(input, fault)) {
        require(!url->addresses.empty() || !url->path.empty(),
                "a URL that was read leads somewhere");
        require(url->password.empty() || url->masked().find("***") != std::string::npos,
                "a password is masked");
    } else {
        require(!fault.empty(), "a refusal says why");
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
