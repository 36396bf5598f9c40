#include "cli/advise_command.hpp"

#include <boost/json.hpp>
#include <ostream>
#include <stdexcept>

#include "cli/admin_client.hpp"
#include "cli/printable.hpp"
#include "cli/screen.hpp"

namespace larder::cli {
namespace {

constexpr std::size_t columns = 78;

}  // namespace

std::string render_advice(std::string_view answer) {
    const boost::json::value value = boost::json::parse({answer.data(), answer.size()});
    std::string out;
    for (const boost::json::value& item : value.at("advice").as_array()) {
        out += printable(std::string(item.at("kind").as_string())) + "  " +
               printable(std::string(item.at("route").as_string())) + '\n' +
               wrapped("    " + printable(std::string(item.at("text").as_string())), 4, columns) +
               "\n\n";
    }
    return out.empty()
               ? "Nothing to advise: the traffic so far gives no reason to change anything.\n"
               : out;
}

int run_advise(const AdviseOptions& options, std::ostream& out, std::ostream& errors) {
    try {
        const AdminAnswer answer =
            ask_admin(options.admin, "/advise", {}, std::chrono::seconds(10));
        if (answer.status != 200) throw std::runtime_error(describe_error(answer));
        out << render_advice(answer.body);
        return exit_fine;
    } catch (...) {
        return tell_failure(errors);
    }
}

}  // namespace larder::cli
