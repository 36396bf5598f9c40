#include "fuzz/fuzz.hpp"
#include "http/head_parser.hpp"
#include "http/lists.hpp"

namespace larder::fuzz {
namespace {

using http::HeadStatus;

constexpr http::HeadLimits limits{2048, 32, 512};

bool has_control(std::string_view text) {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return true;
    return false;
}

void check_head(const http::RequestHead& head, std::string_view input, std::size_t consumed) {
    require(consumed > 0 && consumed <= input.size(), "a head ends within its input");
    require(http::is_token(head.method_name), "a method is a token");
    require(head.target == "*" || head.target.starts_with('/'), "a target is in origin-form or *");
    for (const char c : head.target)
        require(static_cast<unsigned char>(c) > ' ' && c != 0x7f, "a target is printable");
    require(head.target.substr(0, head.path.size()) == head.path, "the path begins the target");
    require(head.path.size() + (head.has_query ? 1 + head.query.size() : 0) == head.target.size(),
            "path and query are the target");
    require(head.minor_version == 0 || http::valid_host(head.host), "HTTP/1.1 has a valid Host");
    require(head.fields.count(http::FieldId::host) <= 1, "one Host");
    require(head.fields.count(http::FieldId::content_length) +
                    head.fields.count(http::FieldId::transfer_encoding) <=
                1,
            "one field says where the body ends");
    require(head.framing != http::Framing::until_close, "a request's body has an end");
    require(head.fields.size() <= limits.field_count, "the count of fields is bounded");
    for (const http::Field& field : head.fields) {
        require(http::is_token(field.name), "a field's name is a token");
        require(!has_control(field.value), "no controls in a value");
        require(trim_ows(field.value) == field.value, "values are without white space around them");
    }
}

}  // namespace

// Any head, and the same head while it arrives: what a shorter piece of it was answered with
// stands.
void request_head(std::string_view input) {
    const std::size_t shorter = take_byte(input) * input.size() / 256;
    http::HeadStorage storage;
    http::RequestHead head;
    const http::HeadResult whole = http::parse_request_head(input, limits, storage, head);
    if (whole.status == HeadStatus::complete) check_head(head, input, whole.consumed);

    const http::HeadResult part =
        http::parse_request_head(input.substr(0, shorter), limits, storage, head);
    if (part.status == HeadStatus::need_more) return;
    require((part.status == HeadStatus::complete) == (whole.status == HeadStatus::complete),
            "more bytes change no verdict");
    require(part.consumed == whole.consumed, "more bytes do not move a head's end");
}

}  // namespace larder::fuzz
