#include "redis/identity.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace larder::redis {

void read_info(std::string_view info, ServerIdentity& identity) {
    while (!info.empty()) {
        const std::size_t end = std::min(info.find('\n'), info.size());
        std::string_view line = info.substr(0, end);
        info.remove_prefix(std::min(end + 1, info.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t colon = line.find(':');
        if (colon == line.npos) continue;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = line.substr(colon + 1);
        if (name == "run_id") identity.run_id = value;
        if (name == "master_replid") identity.replication_id = value;
        if (name == "master_repl_offset") identity.offset = parse_decimal(value).value_or(0);
        if (name == "role") identity.replica = value == "slave";
    }
}

std::string_view info_value(std::string_view info, std::string_view name) {
    for (std::size_t at = info.find(name); at != info.npos; at = info.find(name, at + 1)) {
        const bool begins = at == 0 || info[at - 1] == '\n';
        const std::string_view rest = info.substr(at + name.size());
        if (begins && rest.starts_with(':'))
            return rest.substr(1, std::min({rest.find('\r'), rest.find('\n'), rest.size()}) - 1);
    }
    return {};
}

}  // namespace larder::redis
