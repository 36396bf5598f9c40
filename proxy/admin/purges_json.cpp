#include "admin/purges_json.hpp"

#include <boost/json.hpp>
#include <chrono>

#include "base/time_text.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

json::array names(const std::vector<std::string>& texts) {
    return json::array(texts.begin(), texts.end());
}

json::object to_json(const observe::PurgeRecord& record) {
    const std::string_view source = observe::to_word(record.source);
    const double milliseconds = std::chrono::duration<double, std::milli>(record.duration).count();
    json::object out{{"time", rfc3339_text(record.time)},
                     {"source", json::string_view(source.data(), source.size())},
                     {"who", record.who},
                     {"token", record.token},
                     {"route", record.route},
                     {"keys", names(record.keys)},
                     {"patterns", names(record.patterns)},
                     {"tags", names(record.tags)},
                     {"urls", names(record.urls)},
                     {"hosts", names(record.hosts)},
                     {"prefixes", names(record.prefixes)},
                     {"everything", record.everything},
                     {"soft", record.soft},
                     {"milliseconds", milliseconds},
                     {"acknowledged", record.acknowledged},
                     {"repeat", record.repeat}};
    if (record.left_out > 0) out["left_out"] = record.left_out;
    return out;
}

}  // namespace

json::object to_json(const std::vector<std::shared_ptr<const observe::PurgeRecord>>& records) {
    json::array purges;
    for (const auto& record : records) purges.push_back(to_json(*record));
    return {{"purges", std::move(purges)}};
}

}  // namespace larder::admin
