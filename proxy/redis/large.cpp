#include "redis/large.hpp"

#include "base/text.hpp"

namespace larder::redis {
namespace {

constexpr std::string_view magic = "larder-large:";
constexpr std::size_t token_size = 16;

}  // namespace

std::string make_stub(const LargeStub& stub, std::string_view head) {
    std::string out(magic);
    out.append(stub.token).append(std::to_string(stub.bytes)).push_back(':');
    out.append(head);
    return out;
}

std::optional<LargeStub> read_stub(std::string_view value, std::string_view& head) {
    if (!value.starts_with(magic) || value.size() < magic.size() + token_size) return std::nullopt;
    value.remove_prefix(magic.size());
    const std::string_view token = value.substr(0, token_size);
    value.remove_prefix(token_size);
    const std::size_t end = value.find(':');
    const auto bytes = end == value.npos ? std::nullopt : parse_decimal(value.substr(0, end));
    if (!bytes) return std::nullopt;
    head = value.substr(end + 1);
    return LargeStub{std::string(token), *bytes};
}

}  // namespace larder::redis
