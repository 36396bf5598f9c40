#pragma once
#include <string>
#include <vector>

/// Hands the listening sockets to a new process of the same program (SIGUSR2), so that no
/// connection is refused.
namespace larder::server {

/// A listening socket that a successor is to take over, under a name both know.
void remember_socket(const std::string& name, int descriptor);

/// What the predecessor left under the name; empty: nothing, or no predecessor. Each is handed out
/// once.
std::vector<int> inherited_sockets(const std::string& name);

/// Starts the program anew with the same arguments; it inherits `channel` beside the sockets, under
/// the name succession_channel. The child's process id; negative: failed.
int start_successor(const std::vector<std::string>& arguments, int channel);
inline constexpr const char* succession_channel = "succession";

/// This process serves: the predecessor, if there is one, may drain (SIGTERM to it).
void tell_predecessor();

/// In the successor, before it opens anything: lets go of what else it inherited. Connections that
/// the predecessor has accepted come along (accept does not set close-on-exec); held here, they
/// would never end for the client when the predecessor closes them.
void close_inherited_descriptors();

}  // namespace larder::server
