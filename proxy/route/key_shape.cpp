#include "route/key_shape.hpp"

#include <algorithm>

#include "base/sha256.hpp"

namespace larder::route {
namespace {

constexpr std::size_t kept_bytes = key_bytes_max - 1 - 64;  // a '#' and the hash follow

std::string shortened(std::string_view head, std::string_view whole) {
    std::string out(head);
    out.push_back('#');
    append_sha256(out, whole);
    return out;
}

}  // namespace

void leave_own_namespace(std::string& key) {
    if (key.starts_with(own_namespace)) key.replace(0, 1, moved_letter);
}

std::size_t shorten_key(std::string& key, std::size_t bare_size) {
    if (key.size() <= key_bytes_max) return bare_size;
    const std::string whole = std::move(key);
    std::string_view bare(whole.data(), bare_size);
    key =
        bare_size > key_bytes_max ? shortened(bare.substr(0, kept_bytes), bare) : std::string(bare);
    const std::size_t size = key.size();
    if (bare_size == whole.size()) return size;
    const std::string_view query = std::string_view(whole).substr(bare_size);
    const std::size_t room = std::max<std::size_t>(size < kept_bytes ? kept_bytes - size : 0, 1);
    key = shortened(key.append(query.substr(0, room)), whole);
    return size;
}

}  // namespace larder::route
