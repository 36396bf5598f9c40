#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "cache/draft.hpp"

/// Lists of texts, as views of what is packed into one piece of memory: each text behind its length
/// in four bytes, without alignment.
namespace larder::cache {

/// The text that begins at `at` of a packed list.
inline std::string_view unpack_text(const char* at) {
    std::uint32_t size = 0;
    std::memcpy(&size, at, sizeof size);
    return {at + sizeof size, size};
}

/// Where the next text begins.
inline const char* end_of_text(const char* at) {
    const std::string_view text = unpack_text(at);
    return text.data() + text.size();
}

/// A list of names that somebody else keeps: packed, or as strings. Valid as long as these are.
class NameList {
public:
    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using pointer = const std::string_view*;
        using reference = std::string_view;

        Iterator() = default;
        std::string_view operator*() const {
            return text_ ? std::string_view(*text_) : unpack_text(packed_);
        }
        Iterator& operator++() {
            if (text_) {
                ++text_;
            } else {
                packed_ = end_of_text(packed_);
            }
            return *this;
        }
        Iterator operator++(int) {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        friend class NameList;
        Iterator(const std::string* text, const char* packed) : text_(text), packed_(packed) {}
        const std::string* text_ = nullptr;
        const char* packed_ = nullptr;
    };

    NameList() = default;
    /// Not explicit: strings are a list.
    NameList(const std::vector<std::string>& names)  // NOLINT(google-explicit-constructor)
        : begin_(names.data(), nullptr), end_(names.data() + names.size(), nullptr) {}
    static NameList of_packed(std::string_view packed) {
        NameList list;
        list.begin_ = {nullptr, packed.data()};
        list.end_ = {nullptr, packed.data() + packed.size()};
        return list;
    }

    [[nodiscard]] Iterator begin() const { return begin_; }
    [[nodiscard]] Iterator end() const { return end_; }
    [[nodiscard]] bool empty() const { return begin_ == end_; }
    [[nodiscard]] bool contains(std::string_view name) const {
        return std::find(begin_, end_, name) != end_;
    }
    [[nodiscard]] std::vector<std::string> to_strings() const {
        return std::vector<std::string>(begin_, end_);
    }
    friend bool operator==(const NameList& a, const NameList& b) {
        return std::equal(a.begin_, a.end_, b.begin_, b.end_);
    }

private:
    Iterator begin_;
    Iterator end_;
};

/// A tag of an entry and its id, as views.
struct TagView {
    std::string_view name;
    std::string_view id;
};

/// A packed list of tags: the name of each, and its id. Valid as long as what it is packed in.
class TagList {
public:
    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = TagView;
        using difference_type = std::ptrdiff_t;
        using pointer = const TagView*;
        using reference = TagView;

        Iterator() = default;
        explicit Iterator(const char* at) : at_(at) {}
        TagView operator*() const {
            const std::string_view name = unpack_text(at_);
            return {name, unpack_text(name.data() + name.size())};
        }
        Iterator& operator++() {
            at_ = end_of_text(end_of_text(at_));
            return *this;
        }
        Iterator operator++(int) {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        const char* at_ = nullptr;
    };

    TagList() = default;
    explicit TagList(std::string_view packed) : packed_(packed) {}
    [[nodiscard]] Iterator begin() const { return Iterator(packed_.data()); }
    [[nodiscard]] Iterator end() const { return Iterator(packed_.data() + packed_.size()); }
    [[nodiscard]] bool empty() const { return packed_.empty(); }
    [[nodiscard]] std::vector<TagId> to_ids() const {
        std::vector<TagId> ids;
        for (const TagView tag : *this) ids.push_back({std::string(tag.name), std::string(tag.id)});
        return ids;
    }

private:
    std::string_view packed_;
};

}  // namespace larder::cache
