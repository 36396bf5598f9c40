#include "route/pattern.hpp"

#include <algorithm>

#include "route/percent.hpp"

namespace larder::route {
namespace {

using Kind = Piece::Kind;

bool begins_open(const Piece& piece) {
    return piece.kind != Kind::literal || is_value_char(piece.text.front());
}
bool ends_open(const Piece& piece) {
    return piece.kind != Kind::literal || is_value_char(piece.text.back());
}

}  // namespace

Shape::Shape(const Template& from, std::initializer_list<Part::Kind> widened) {
    for (const Part& part : from.parts) {
        const bool star = part.kind == Part::Kind::star ||
                          std::find(widened.begin(), widened.end(), part.kind) != widened.end();
        if (star) {
            add({Kind::star, {}, nullptr});
        } else if (part.kind == Part::Kind::literal) {
            add({Kind::literal, part.text, nullptr});
        } else {
            add({Kind::value, {}, &part});
        }
    }
    widen_open_values();
    finish();
}

Shape::Shape(std::string_view text) {
    while (!text.empty()) {
        const std::size_t star = std::min(text.find('*'), text.size());
        if (star > 0) add({Kind::literal, std::string(text.substr(0, star)), nullptr});
        if (star == text.size()) break;
        add({Kind::star, {}, nullptr});
        text.remove_prefix(star + 1);
    }
    finish();
}

void Shape::add(Piece piece) {
    has_star_ = has_star_ || piece.kind == Kind::star;
    if (piece.kind == Kind::star && !pieces_.empty() && pieces_.back().kind == Kind::star) return;
    pieces_.push_back(std::move(piece));
}

void Shape::widen_open_values() {
    if (!has_star_) return;
    const auto is_star = [](const Piece& piece) { return piece.kind == Kind::star; };
    std::vector<Piece> before = std::move(pieces_);
    // A widened value is the new first (or last) star, so all values between it and the other stars
    // are widened too.
    std::size_t first = static_cast<std::size_t>(
        std::find_if(before.begin(), before.end(), is_star) - before.begin());
    std::size_t last = before.size() - 1 -
                       static_cast<std::size_t>(
                           std::find_if(before.rbegin(), before.rend(), is_star) - before.rbegin());
    for (std::size_t i = 0; i < first; ++i)
        if (before[i].kind == Kind::value && begins_open(before[i + 1])) first = i;
    for (std::size_t i = before.size() - 1; i > last; --i)
        if (before[i].kind == Kind::value && ends_open(before[i - 1])) last = i;
    pieces_.clear();
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i].kind == Kind::value && i >= first && i <= last)
            before[i] = {Kind::star, {}, nullptr};
        add(std::move(before[i]));
    }
}

void Shape::finish() {
    for (const Piece& piece : pieces_) {
        if (piece.kind == Kind::literal) signature_ += piece.text;
        if (piece.kind == Kind::value) signature_ += '\x01';
        if (piece.kind == Kind::star) signature_ += '*';
    }
    if (!pieces_.empty() && pieces_.front().kind == Kind::literal) prefix_ = pieces_.front().text;
}

bool Shape::instance_for(std::string_view text, std::string& out) const {
    const std::size_t undo = out.size();
    std::size_t first = 0;
    std::size_t begin = 0;
    for (; pieces_[first].kind != Kind::star; ++first) {
        const Piece& piece = pieces_[first];
        if (piece.kind == Kind::literal) {
            if (text.substr(begin, piece.text.size()) != piece.text) break;
            out += piece.text;
            begin += piece.text.size();
        } else {
            const std::size_t from = begin;
            while (begin < text.size() && is_value_char(text[begin])) ++begin;
            out += text.substr(from, begin - from);
        }
    }
    std::size_t last = pieces_.size() - 1;
    std::size_t end = text.size();
    const bool head_fits = pieces_[first].kind == Kind::star;
    for (; head_fits && pieces_[last].kind != Kind::star; --last) {
        const Piece& piece = pieces_[last];
        if (piece.kind == Kind::literal) {
            if (end < begin + piece.text.size() ||
                text.substr(end - piece.text.size(), piece.text.size()) != piece.text)
                break;
            end -= piece.text.size();
        } else {
            while (end > begin && is_value_char(text[end - 1])) --end;
        }
    }
    if (!head_fits || pieces_[last].kind != Kind::star) {
        out.resize(undo);
        return false;
    }
    std::string_view middle = text.substr(begin, end - begin);
    for (std::size_t i = first; i <= last; ++i) {
        if (pieces_[i].kind == Kind::star) {
            out += '*';
            continue;
        }
        const std::size_t found =
            middle.find(pieces_[i].text);  // between stars, the leftmost is as good as any
        if (found == std::string_view::npos) {
            out.resize(undo);
            return false;
        }
        out += pieces_[i].text;
        middle.remove_prefix(found + pieces_[i].text.size());
    }
    out += text.substr(end);
    return true;
}

bool Shape::has_instance(std::string_view text) const {
    std::string instance;
    return has_star_ && instance_for(text, instance) && instance == text;
}

namespace {

/// One character, or a loop over value characters or over all.
struct Step {
    Kind kind;
    char c;
};

std::vector<Step> steps_of(const std::vector<Piece>& pieces) {
    std::vector<Step> out;
    for (const Piece& piece : pieces) {
        if (piece.kind == Kind::literal) {
            for (char c : piece.text) out.push_back({Kind::literal, c});
        } else {
            out.push_back({piece.kind, 0});
        }
    }
    return out;
}

bool loops_over(const Step& loop, char c) { return loop.kind == Kind::star || is_value_char(c); }

bool share_a_text(const std::vector<Step>& a, const std::vector<Step>& b) {
    const std::size_t width = b.size() + 1;
    std::vector<bool> reached((a.size() + 1) * width);
    reached[0] = true;
    // Both loops may be left at any time, so every move goes forward and one pass in order reaches
    // all.
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (!reached[i * width + j]) continue;
            const bool more_a = i < a.size();
            const bool more_b = j < b.size();
            const bool loop_a = more_a && a[i].kind != Kind::literal;
            const bool loop_b = more_b && b[j].kind != Kind::literal;
            if (loop_a || (more_a && loop_b && loops_over(b[j], a[i].c)))
                reached[(i + 1) * width + j] = true;
            if (loop_b || (more_b && loop_a && loops_over(a[i], b[j].c)))
                reached[i * width + j + 1] = true;
            if (more_a && more_b && !loop_a && !loop_b && a[i].c == b[j].c)
                reached[(i + 1) * width + j + 1] = true;
        }
    }
    return reached.back();
}

bool prefixes_meet(std::string_view a, std::string_view b) {
    const std::size_t common = std::min(a.size(), b.size());
    return a.substr(0, common) == b.substr(0, common);
}

}  // namespace

bool Shape::meets(const Shape& other) const {
    return prefixes_meet(prefix_, other.prefix_) &&
           share_a_text(steps_of(pieces_), steps_of(other.pieces_));
}

bool Shape::meets_with_query(const Shape& pattern) const {
    if (!prefixes_meet(prefix_, pattern.prefix_)) return false;
    std::vector<Step> mine = steps_of(pieces_);
    const std::vector<Step> theirs = steps_of(pattern.pieces_);
    if (share_a_text(mine, theirs)) return true;
    mine.push_back({Kind::literal, '?'});
    mine.push_back({Kind::star, 0});
    return share_a_text(mine, theirs);
}

// Works like glob_match, with the signature as the pattern, but a value ends before the first
// character that no value holds. It is enough to go back to the last value, because the leftmost
// fit of everything before that value leaves it the most room.
bool Shape::fits(std::string_view text) const {
    constexpr char value = '\x01';
    const std::string_view pattern = signature_;
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t last = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == value) {
            last = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (last != std::string_view::npos && is_value_char(text[resume])) {
            p = last + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == value) ++p;
    return p == pattern.size();
}

bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace larder::route
