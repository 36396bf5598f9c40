#pragma once
#include <sys/types.h>

#include <cstddef>

/// Reads that also learn whether they have left anything behind (Linux: TCP_INQ), so that nobody
/// has to try once more to find a socket empty.
namespace larder::net {

/// False: it is no TCP socket, or the system cannot tell.
[[nodiscard]] bool make_reads_tell_rest(int socket);

/// recvmsg on a socket that does not block, again where a signal came between. `tells_rest`: what
/// make_reads_tell_rest has said of it. `is_drained`: nothing is left to read now, the peer's
/// orderly end included.
[[nodiscard]] ssize_t read_and_tell_rest(int socket, char* at, std::size_t size, bool tells_rest,
                                         bool& is_drained);

}  // namespace larder::net
