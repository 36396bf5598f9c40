#include "redis/cluster_view.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "redis/identity.hpp"

namespace larder::redis {

bool says_cluster_fails(std::string_view info) {
    return info_value(info, "cluster_state") == "fail";
}

// "07c3... 127.0.0.1:6381@16381 myself,master - 0 1426238316232 2 connected 5461-10922 [93-<-id]"
std::string own_slots(std::string_view nodes) {
    constexpr int before_epoch = 6;
    while (!nodes.empty()) {
        const std::size_t end = std::min(nodes.find('\n'), nodes.size());
        std::string_view line = nodes.substr(0, end);
        nodes.remove_prefix(std::min(end + 1, nodes.size()));
        if (line.find("myself") == line.npos) continue;
        if (line.find('[') != line.npos) return {};
        for (int field = 0; field < before_epoch; ++field) {
            const std::size_t blank = line.find(' ');
            if (blank == line.npos) return {};
            line.remove_prefix(blank + 1);
        }
        return std::string(line);
    }
    return {};
}

std::optional<ClusterView> read_view(const RedisReply& info, const RedisReply& slots,
                                     const RedisAddress& asked) {
    auto ranges = read_slots(slots, asked);
    if (!ranges) return std::nullopt;
    ClusterView view;
    view.ranges = std::move(*ranges);
    view.epoch = parse_decimal(info_value(info.text, "cluster_current_epoch")).value_or(0);
    view.serves = !says_cluster_fails(info.text);
    return view;
}

}  // namespace larder::redis
