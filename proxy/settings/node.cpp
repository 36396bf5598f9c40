#include "settings/node.hpp"

#include <algorithm>

#include "settings/nearest_word.hpp"

namespace larder::settings {
namespace {

std::string_view kind_name(const Value& value) {
    switch (value.kind) {
        case Value::Kind::null:
            return "nothing";
        case Value::Kind::scalar:
            return "a single value";
        case Value::Kind::list:
            return "a list";
        case Value::Kind::map:
            return "a map";
    }
    return "";
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// A key as it may appear in a message: on one line, and short.
std::string shown(std::string_view text) {
    constexpr std::size_t shown_max = 60;
    std::string out(text.substr(0, shown_max));
    std::replace_if(out.begin(), out.end(), is_control, '?');
    return text.size() > shown_max ? out + "..." : out;
}

const Value no_value;

}  // namespace

Node::Node(Shape& shape, Assumed as, Reading& reading, std::size_t depth)
    : value_(&no_value), reading_(&reading), shape_(&shape), as_(as), depth_(depth) {}

bool Node::is_null_as_empty() const {
    if (shape_) shape_->nothing = true;
    return is_null();
}

std::optional<std::string> Node::text(const Form& form) const {
    if (shape_) {
        shape_->add(form);
        return std::nullopt;
    }
    if (value_->kind != Value::Kind::scalar) {
        error_expected(form.expected);
        return std::nullopt;
    }
    Substituted out = substitute_environment(value_->text, reading_->environment);
    if (!out.error.empty()) {
        error(std::move(out.error));
        return std::nullopt;
    }
    if (std::any_of(out.text.begin(), out.text.end(), is_control)) {
        error("a value must not hold line breaks or other control characters");
        return std::nullopt;
    }
    return std::move(out.text);
}

std::vector<Node> Node::items() const {
    std::vector<Node> out;
    if (shape_) {
        const bool maps = as_ == Assumed::list_of_maps;
        out.emplace_back(shape_->each_item(), maps ? Assumed::map : Assumed::scalar, *reading_,
                         std::min(depth_ + 1, shape_depth_max));
        return out;
    }
    out.reserve(value_->items.size());
    for (std::size_t i = 0; i < value_->items.size(); ++i)
        out.emplace_back(value_->items[i], path_ + '[' + std::to_string(i) + ']', *reading_);
    return out;
}

void Node::report(Problem::Severity severity, Position at, std::string path,
                  std::string message) const {
    if (shape_) return;
    reading_->problems.push_back({severity, at, std::move(path), std::move(message)});
}

void Node::error(std::string message) const {
    report(Problem::Severity::error, at(), path_, std::move(message));
}

void Node::warn(std::string message) const {
    report(Problem::Severity::warning, at(), path_, std::move(message));
}

void Node::error_expected(std::string_view expected) const {
    error("expected " + std::string(expected) + ", not " + std::string(kind_name(*value_)));
}

MapReader::MapReader(const Node& node, std::string_view expected) : node_(node) {
    if (node_.shape_) {
        node_.shape_->map = true;
    } else if (node_.is_map()) {
        report_repeated_keys();
    } else {
        node_.error_expected(expected);
    }
}

std::string MapReader::path_of(std::string_view key) const {
    return node_.path().empty() ? shown(key) : node_.path() + '.' + shown(key);
}

const MapReader::Entry* MapReader::find(std::string_view key) const {
    for (const Entry& entry : node_.value_->entries)
        if (entry.first.kind == Value::Kind::scalar && entry.first.text == key) return &entry;
    return nullptr;
}

void MapReader::report_repeated_keys() const {
    std::map<std::string_view, Position> first;
    for (const auto& [key, value] : node_.value_->entries) {
        const auto [seen, is_new] = first.emplace(key.text, key.at);
        if (is_new || key.kind != Value::Kind::scalar) continue;
        node_.report(
            Problem::Severity::error, key.at, path_of(key.text),
            "given a second time; the first is in line " + std::to_string(seen->second.line));
    }
}

void MapReader::require(std::string_view key, std::string_view what) {
    if (node_.shape_) {
        auto& required = node_.shape_->required;
        if (std::find(required.begin(), required.end(), key) == required.end())
            required.emplace_back(key);
    } else if (lacks(key)) {
        node_.error("needs " + std::string(what));
    }
}

void MapReader::require_both_or_neither(std::string_view one, std::string_view other) {
    declare_need(one, other);
    declare_need(other, one);
    if (has(one) != has(other))
        node_.error("needs both " + std::string(one) + " and " + std::string(other) +
                    ", or neither");
}

void MapReader::declare_alternatives(std::vector<std::vector<std::string>> groups) {
    if (node_.shape_) node_.shape_->alternatives = std::move(groups);
}

void MapReader::declare_need(std::string_view key, std::string_view other) {
    if (!node_.shape_) return;
    std::pair<std::string, std::string> need(key, other);
    auto& needs = node_.shape_->needs;
    if (std::find(needs.begin(), needs.end(), need) == needs.end())
        needs.push_back(std::move(need));
}

bool MapReader::lacks(std::string_view key) const {
    if (node_.shape_) return false;
    const auto stands_for_it = [&](const Entry& entry) {
        return entry.first.kind == Value::Kind::scalar &&
               (entry.first.text == key || !nearest_word(entry.first.text, {key}).empty());
    };
    return std::none_of(node_.value_->entries.begin(), node_.value_->entries.end(), stands_for_it);
}

std::optional<Node> MapReader::take(std::string_view key) {
    known_.push_back(key);
    if (node_.shape_) return node_.inner(node_.shape_->member(key));
    const Entry* entry = find(key);
    if (!entry) return std::nullopt;
    Node node(entry->second, path_of(key), *node_.reading_);
    node_.reading_->positions.emplace(node.path(), node.at());
    return node;
}

std::vector<std::pair<std::string, Node>> MapReader::entries(std::string_view sample,
                                                             std::string_view pattern) {
    all_known_ = true;
    std::vector<std::pair<std::string, Node>> out;
    if (Shape* shape = node_.shape_) {
        if (!shape->any_member) shape->any_member = std::make_unique<Shape>();
        shape->any_member_pattern = pattern;
        out.emplace_back(sample, node_.inner(*shape->any_member));
        return out;
    }
    for (const auto& [key, value] : node_.value_->entries) {
        if (key.kind == Value::Kind::scalar) {
            out.emplace_back(key.text, Node(value, path_of(key.text), *node_.reading_));
            node_.reading_->positions.emplace(out.back().second.path(), value.at);
        } else {
            node_.report(Problem::Severity::error, key.at, node_.path(),
                         "a key must be a plain word");
        }
    }
    return out;
}

void MapReader::report_unknown_keys() {
    if (all_known_) return;
    for (const auto& [key, value] : node_.value_->entries) {
        if (key.kind != Value::Kind::scalar) {
            node_.report(Problem::Severity::error, key.at, node_.path(),
                         "a key must be a plain word");
            continue;
        }
        if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
        const std::string_view near = nearest_word(key.text, known_);
        node_.report(Problem::Severity::error, key.at, path_of(key.text),
                     near.empty() ? "unknown key; expected " + list_words(known_)
                                  : "unknown key; did you mean " + std::string(near) + "?");
    }
}

void MapReader::error_at_key(std::string_view key, std::string message) const {
    if (node_.shape_) return;
    const Entry* entry = find(key);
    node_.report(Problem::Severity::error, entry ? entry->first.at : node_.at(), path_of(key),
                 std::move(message));
}

}  // namespace larder::settings
