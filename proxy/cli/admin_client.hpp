#pragma once
#include <boost/system/error_code.hpp>
#include <chrono>
#include <ostream>
#include <string>

#include "base/host_port.hpp"
#include "cli/command_line.hpp"

namespace larder::cli {

struct AdminAnswer {
    int status = 0;
    std::string body;
};

/// Asks a running larder's admin server, on a connection of its own, and waits for the answer.
/// Throws std::runtime_error with a readable line where it cannot be reached, is too slow, or the
/// URL makes no sense. `body` empty: GET, else POST of JSON.
[[nodiscard]] AdminAnswer ask_admin(const AdminTarget& admin, const std::string& path,
                                    const std::string& body = {},
                                    std::chrono::milliseconds timeout = std::chrono::seconds(35));

/// Throws std::runtime_error: why the admin server cannot be asked, and what to do.
[[noreturn]] void fail_to_ask(const AdminTarget& admin, const boost::system::error_code& error);

/// Reads an admin URL: http://host:port, https://host:port, or host:port alone. Without a port it
/// is 9180. Throws std::runtime_error with a readable line.
[[nodiscard]] HostPort parse_admin_url(const std::string& url);

/// What an error answer says: its `error` and `detail`, or its status where the body is not ours.
[[nodiscard]] std::string describe_error(const AdminAnswer& answer);

/// To be called in a handler: says what the exception under way tells, and returns the exit status.
/// Boost.JSON's means that the answer is not what larder's admin server says.
int tell_failure(std::ostream& errors);

}  // namespace larder::cli
