#include "cli/purge_command.hpp"

#include <boost/json.hpp>
#include <ostream>
#include <stdexcept>

#include "base/json_text.hpp"
#include "cli/admin_client.hpp"
#include "cli/printable.hpp"

namespace larder::cli {
namespace {

namespace json = boost::json;

void print_result(const json::value& answer, std::ostream& out, std::ostream& errors) {
    const json::object& purged = answer.at("names").as_object();
    const char* verb = answer.at("soft").as_bool() ? "made stale" : "purged";
    for (const auto& [kind, word] :
         {std::pair{"keys", "key"}, {"patterns", "pattern"}, {"tags", "tag"}, {"urls", "URL"}})
        for (const json::value& item : purged.at(kind).as_array())
            out << verb << ' ' << word << ' ' << printable(std::string(item.as_string())) << '\n';
    if (const json::value* entries = answer.as_object().if_contains("entries"))
        out << "entries: " << json_text(*entries) << '\n';
    if (!answer.at("acknowledged").as_bool())
        errors << "larder: Redis cannot be asked now; the purge is kept and done before anything "
                  "is served from it "
                  "again\n";
}

// One line for each item: how many entries it meets, and some of their keys.
void print_dry_run(const json::value& answer, std::ostream& out) {
    for (const json::value& one : answer.at("would_purge").as_array()) {
        std::string item, sample;
        for (const auto& member : one.as_object()) {
            if (member.key() == "entries" || member.key() == "sample") continue;
            item.append(member.key() == "url" ? "URL" : std::string_view(member.key()));
            item.append(" ").append(member.value().as_string());
        }
        for (const json::value& key : one.at("sample").as_array())
            sample.append(sample.empty() ? "" : ", ").append(key.as_string());
        const auto entries = one.at("entries").to_number<std::uint64_t>();
        out << "would purge " << printable(item) << ": " << entries
            << (entries == 1 ? " entry" : " entries");
        if (!sample.empty()) out << " (" << printable(sample) << ")";
        out << '\n';
    }
}

}  // namespace

std::string make_purge_body(const PurgeOptions& options) {
    json::array keys, patterns, tags, urls;
    for (const std::string& item : options.items) {
        json::array& list = options.tag                           ? tags
                            : options.url                         ? urls
                            : item.find('*') != std::string::npos ? patterns
                                                                  : keys;
        list.emplace_back(item);
    }
    json::object body{{"keys", keys},
                      {"patterns", patterns},
                      {"tags", tags},
                      {"urls", urls},
                      {"soft", options.soft}};
    if (options.dry_run) body["dry_run"] = true;
    return json_text(body);
}

int run_purge(const PurgeOptions& options, std::ostream& out, std::ostream& errors) {
    try {
        const AdminAnswer answer = ask_admin(options.admin, "/purge", make_purge_body(options));
        if (answer.status != 200 && answer.status != 202)
            throw std::runtime_error(describe_error(answer));
        if (options.dry_run)
            print_dry_run(json::parse(answer.body), out);
        else
            print_result(json::parse(answer.body), out, errors);
        return exit_fine;
    } catch (...) {
        return tell_failure(errors);
    }
}

}  // namespace larder::cli
