#include "fuzz/fuzz.hpp"
#include "http/head_parser.hpp"
#include "http/lists.hpp"

namespace larder::fuzz {

using http::HeadStatus;

// Any head of an origin; the first byte says how much of it comes first, and whether it answers a
// HEAD.
void response_head(std::string_view input) {
    constexpr http::HeadLimits limits{2048, 32, 512};
    const unsigned first = take_byte(input);
    const std::size_t shorter = first * input.size() / 256;
    const bool to_head = (first & 1) != 0;
    http::HeadStorage storage;
    http::ResponseHead head;
    const http::HeadResult whole = http::parse_response_head(input, limits, to_head, storage, head);
    if (whole.status == HeadStatus::complete) {
        require(whole.consumed > 0 && whole.consumed <= input.size(),
                "a head ends within its input");
        require(head.status >= 100 && head.status <= 999, "a status has its range");
        require(head.fields.size() <= limits.field_count, "the count of fields is bounded");
        require(head.framing != http::Framing::until_close || !head.keep_alive,
                "a body until close ends the connection");
        require(!to_head || head.framing == http::Framing::none, "the answer to HEAD has no body");
        for (const http::Field& field : head.fields) {
            require(http::is_token(field.name), "a field's name is a token");
            require(
                field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
                "no line ends in a value");
        }
    }
    const http::HeadResult part =
        http::parse_response_head(input.substr(0, shorter), limits, to_head, storage, head);
    if (part.status == HeadStatus::need_more) return;
    require((part.status == HeadStatus::complete) == (whole.status == HeadStatus::complete),
            "more bytes change no verdict");
    require(part.consumed == whole.consumed, "more bytes do not move a head's end");
}

}  // namespace larder::fuzz
