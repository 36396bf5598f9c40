#include <algorithm>

#include "route/compiled_impl.hpp"
#include "route/key_shape.hpp"
#include "route/part_value.hpp"

// A pattern covers an entry where it covers the bare key, or the key with its appended query. Each
// way may give an instance of its own ("a:{id}*" is the same for both, "a:*=1" is not); an entry
// carries all of them.
namespace larder::route {
namespace {

/// Fills a vector of strings anew, reusing their capacity.
class TagList {
public:
    explicit TagList(std::vector<std::string>& tags) : tags_(tags) {}
    ~TagList() { tags_.resize(count_); }
    TagList(const TagList&) = delete;
    TagList& operator=(const TagList&) = delete;

    std::string& candidate() {
        if (count_ == tags_.size()) tags_.emplace_back();
        tags_[count_].clear();
        return tags_[count_];
    }

    /// Keeps the candidate, unless the list has it already.
    void keep() {
        const auto last = tags_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (std::find(tags_.begin(), last, *last) == last) ++count_;
    }

    void for_each(void (*change)(std::string&)) {
        for (std::size_t i = 0; i < count_; ++i) change(tags_[i]);
    }

private:
    std::vector<std::string>& tags_;
    std::size_t count_ = 0;
};

}  // namespace

namespace {

void match_patterns(const CompiledRoute& route, std::string_view whole, std::size_t bare_size,
                    TagList& list) {
    const std::string_view bare = whole.substr(0, bare_size);
    for (const Shape* pattern : route.impl->tag_patterns) {
        if (pattern->instance_for(bare, list.candidate())) list.keep();
        if (bare.size() != whole.size() && pattern->instance_for(whole, list.candidate()))
            list.keep();
    }
}

}  // namespace

void collect_tags(const CompiledRoute& route, std::string_view key, const KeyInfo& key_info,
                  std::vector<std::string>& tags) {
    const bool shortened = !key_info.long_key.empty();
    const std::string_view whole = shortened ? std::string_view(key_info.long_key) : key;
    const std::size_t bare_size = shortened ? key_info.long_bare_size : key_info.bare_size;
    TagList list(tags);
    if (!whole.starts_with(moved_namespace)) return match_patterns(route, whole, bare_size, list);

    // The patterns were written for the key as it was before it was moved, and their instances are
    // moved likewise.
    std::string original("l");
    original += whole.substr(moved_letter.size());
    match_patterns(route, original, bare_size - (moved_letter.size() - 1), list);
    list.for_each(leave_own_namespace);
}

void collect_response_tags(const CompiledRoute& route, const Captures& captures,
                           const http::RequestHead& request, const http::ResponseHead& response,
                           std::vector<std::string>& tags) {
    TagList list(tags);
    for (const Template& source : route.impl->tags) {
        const Parameters parameters(request.query, source.query_names);
        const ValueSource from{captures, request, parameters, &response};
        std::string& tag = list.candidate();
        bool complete = true;
        for (const Part& part : source.parts) {
            if (!part.is_value()) {
                tag += part.text;
            } else {
                complete = append_part(tag, part, from) && complete;
            }
        }
        if (complete) list.keep();
    }
}

}  // namespace larder::route
