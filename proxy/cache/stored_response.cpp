#include "cache/stored_response.hpp"

namespace larder::cache {
namespace {

std::size_t heap(const std::string& text) {
    const bool inside = text.capacity() <= std::string().capacity();
    return inside ? 0 : text.capacity() + 1;
}

std::size_t heap(const std::vector<TagId>& tags) {
    std::size_t bytes = tags.capacity() * sizeof(TagId);
    for (const TagId& tag : tags) bytes += heap(tag.name) + heap(tag.id);
    return bytes;
}

std::size_t heap(const std::vector<std::string>& texts) {
    std::size_t bytes = texts.capacity() * sizeof(std::string);
    for (const std::string& text : texts) bytes += heap(text);
    return bytes;
}

}  // namespace

std::size_t StoredResponse::cost() const {
    std::size_t bytes = sizeof(StoredResponse);
    for (const std::string* text : {&head, &body, &etag, &last_modified, &content_encoding, &target,
                                    &variant, &soft_id, &origin_lines})
        bytes += heap(*text);
    bytes += heap(vary) + heap(tags) + heap(response_tags);
    for (const auto& form : coded) bytes += form->cost() + sizeof form;
    return bytes + guards.capacity() * sizeof(std::uint32_t);
}

}  // namespace larder::cache
