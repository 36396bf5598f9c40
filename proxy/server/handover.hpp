#pragma once
#include <string>
#include <vector>

/// Hands the listening sockets to a new process of the same program (SIGUSR2), so that no
/// connection is refused.
namespace larder::server {

/// Remembers a listening socket that a successor takes over, under a name that both know.
void remember_socket(const std::string& name, int descriptor);

/// A successor does not take over the sockets of that name any more.
void forget_sockets(const std::string& name);

/// The sockets that the predecessor left under the name; empty: none, or no predecessor. Each is
/// handed out once.
std::vector<int> inherited_sockets(const std::string& name);

/// Starts the program again with the same arguments. The new process inherits the sockets, and
/// `channel` under the name succession_channel. Returns its process id; negative: failed.
int start_successor(const std::vector<std::string>& arguments, int channel);
inline constexpr const char* succession_channel = "succession";

/// Whether this is process 1 of a container. It cannot hand over: the container ends with it.
[[nodiscard]] bool is_first_process();

/// Whether the predecessor's process has not ended yet. Any thread, once inherited_sockets was
/// called.
[[nodiscard]] bool predecessor_lives();

/// Tells the predecessor, if there is one, to drain (SIGTERM), because this process serves.
void tell_predecessor();

/// Call it in the successor before it opens anything: closes all other inherited descriptors.
/// Connections that the predecessor accepted are among them (accept does not set close-on-exec). If
/// they stayed open here, the client would not see that the predecessor closes them.
void close_inherited_descriptors();

}  // namespace larder::server
