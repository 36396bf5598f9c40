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
    return json_text(json::object{{"keys", keys},
                                  {"patterns", patterns},
                                  {"tags", tags},
                                  {"urls", urls},
                                  {"soft", options.soft}});
}

int run_purge(const PurgeOptions& options, std::ostream& out, std::ostream& errors) {
    try {
        const AdminAnswer answer = ask_admin(options.admin, "/purge", make_purge_body(options));
        if (answer.status != 200 && answer.status != 202)
            throw std::runtime_error(describe_error(answer));
        print_result(json::parse(answer.body), out, errors);
        return exit_fine;
    } catch (const std::exception& error) {
        errors << "larder: " << printable(error.what()) << '\n';
        return exit_wrong;
    }
}

}  // namespace larder::cli
