#include "settings/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/utf8.hpp"

namespace larder::settings {
namespace {

/// Ends the parse; becomes the one problem.
struct YamlFault {
    Position at;
    std::string message;
};

Position position_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {mark.line + 1, mark.column + 1};
}

// yaml-cpp 0.7 ends a plain scalar within braces or brackets at a '?', so it reports an error for
// `{request: GET /a?b=1}`. YAML gives '?' a meaning only where white space surrounds it. Any other
// '?' is replaced before the parse by a byte that no text may hold, and restored in the scalars.
// The replacement is one byte, so the columns stay the same.
constexpr char swapped_question_mark = '\x01';

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool may_be_indicator(std::string_view text, std::size_t at) {
    const bool begins = at == 0 || is_blank(text[at - 1]) ||
                        std::string_view("{[,").find(text[at - 1]) != std::string_view::npos;
    const bool ends = at + 1 == text.size() || is_blank(text[at + 1]);
    return begins && ends;
}

std::string swap_question_marks(std::string text) {
    const std::string original = text;
    for (std::size_t at = text.find('?'); at != std::string::npos; at = text.find('?', at + 1))
        if (!may_be_indicator(original, at)) text[at] = swapped_question_mark;
    return text;
}

std::string restore_question_marks(std::string text) {
    std::replace(text.begin(), text.end(), swapped_question_mark, '?');
    return text;
}

void refuse_control_characters(const std::string& text) {
    Position at{1, 1};
    if (!is_utf8(text)) {
        std::size_t line = 0;
        for (std::size_t end = 0; end != std::string::npos; line = end + 1) {
            end = text.find('\n', line);
            if (!is_utf8(std::string_view(text).substr(line, end - line))) break;
            ++at.line;
        }
        throw YamlFault{at, "bytes that are no UTF-8; save the file in UTF-8"};
    }
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && !is_blank(c)) || byte == 0x7f)
            throw YamlFault{at, "a control character; expected text in UTF-8"};
        ++at.column;
        if (c == '\n') at = {at.line + 1, 1};
    }
}

/// The position of the first "${" without quotes within braces or brackets; nothing where there is
/// none. YAML takes its brace for the beginning of a map.
std::optional<Position> unquoted_variable(std::string_view text) {
    Position at{1, 0};
    int depth = 0;
    char quote = 0;
    bool value_begins = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const char next = i + 1 < text.size() ? text[i + 1] : '\n';
        ++at.column;
        if (c == '\n') {
            at = {at.line + 1, 0};
            value_begins |= depth == 0 && quote == 0;
        } else if (quote != 0) {
            const bool escape = quote == '"' ? c == '\\' : c == '\'' && next == '\'';
            if (escape && next != '\n') ++i, ++at.column;
            if (!escape && c == quote) quote = 0;
        } else if (c == '#' && (i == 0 || is_blank(text[i - 1]))) {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (is_blank(c)) {
            continue;
        } else if (depth > 0 && c == '$' && next == '{') {
            return at;
        } else if (value_begins &&
                   (c == '&' || c == '!')) {  // an anchor or a tag: the value comes behind it
            while (i + 1 < text.size() && !is_blank(text[i + 1])) ++i, ++at.column;
        } else if (value_begins && (c == '"' || c == '\'')) {
            quote = c;
            value_begins = false;
        } else if ((c == '{' || c == '[') && (depth > 0 || value_begins)) {
            ++depth;
            value_begins = true;
        } else if (depth > 0 && (c == '}' || c == ']')) {
            --depth;
            value_begins = false;
        } else {
            const bool separates = (c == ':' || (c == '-' && value_begins)) && is_blank(next);
            value_begins = separates || (depth > 0 && c == ',');
        }
    }
    return std::nullopt;
}

/// The text by lines, to find what the parser has no position for.
class Lines {
public:
    explicit Lines(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            lines_.push_back(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    /// The position of a key's null value, or where its value would stand. `mark` is the position
    /// of an explicit null, else of whatever comes next.
    [[nodiscard]] Position value_of(const Value& key, Position mark) const {
        const std::string_view next = mark.line == key.at.line ? from(mark) : std::string_view{};
        if (!next.empty() && std::string_view("~nN").find(next.front()) != std::string_view::npos)
            return mark;
        const std::string_view rest = from(key.at);
        const std::size_t colon = rest.find(':', std::min(key.text.size(), rest.size()));
        if (colon == std::string_view::npos) return key.at;
        return {key.at.line, key.at.column + static_cast<int>(colon) + 1};
    }

private:
    [[nodiscard]] std::string_view from(Position at) const {
        if (at.line < 1 || static_cast<std::size_t>(at.line) > lines_.size()) return {};
        const std::string_view line = lines_[static_cast<std::size_t>(at.line) - 1];
        return line.substr(
            std::min(static_cast<std::size_t>(std::max(at.column, 1)) - 1, line.size()));
    }

    std::vector<std::string_view> lines_;
};

bool is_merge_key(const Value& key) {
    return key.kind == Value::Kind::scalar && key.plain && key.text == "<<";
}

class TreeBuilder final : public YAML::EventHandler {
public:
    /// The text outlives the builder.
    explicit TreeBuilder(std::string_view text) : lines_(text) {}

    Value take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ > 0)
            throw YamlFault{position_of(mark), "expected one YAML document, not several"};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Value value;
        value.at = position_of(mark);
        finish(std::move(value), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        Value value;
        value.kind = Value::Kind::scalar;
        value.at = position_of(mark);
        value.text = restore_question_marks(text);
        value.bytes = text.size();
        value.plain = tag == "?";
        finish(std::move(value), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchored_.find(anchor);
        if (found == anchored_.end())
            throw YamlFault{position_of(mark), "an alias inside of what it stands for"};
        count(found->second, position_of(mark));
        attach(Value(found->second));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Value::Kind::list, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Value::Kind::map, mark, anchor);
    }
    void OnMapEnd() override {
        merge(open_.back().value);
        close();
    }

private:
    struct Frame {
        Value value;
        YAML::anchor_t anchor;
        std::optional<Value> key;  ///< of the map entry whose value comes next
    };

    void open(Value::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (open_.size() >= yaml_depth_max) throw YamlFault{position_of(mark), "nested too deeply"};
        Value value;
        value.kind = kind;
        value.at = position_of(mark);
        open_.push_back({std::move(value), anchor, std::nullopt});
    }

    void close() {
        Frame frame = std::move(open_.back());
        open_.pop_back();
        finish(std::move(frame.value), frame.anchor);
    }

    void finish(Value value, YAML::anchor_t anchor) {
        if (value.kind == Value::Kind::null || value.kind == Value::Kind::scalar)
            count(value, value.at);
        if (anchor != YAML::NullAnchor) {
            count(value, value.at);  // the copy below
            anchored_[anchor] = value;
        }
        attach(std::move(value));
    }

    /// Aliases multiply values, so the bound is on the sum of all values, each counted as often as
    /// it occurs.
    void count(const Value& value, Position at) {
        nodes_ += value.nodes;
        bytes_ += value.bytes;
        if (nodes_ > yaml_nodes_max || bytes_ > yaml_bytes_max)
            throw YamlFault{at, "larger than a configuration may be"};
    }

    void attach(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        Frame& parent = open_.back();
        parent.value.nodes += value.nodes;
        parent.value.bytes += value.bytes;
        if (parent.value.kind == Value::Kind::list) {
            parent.value.items.push_back(std::move(value));
        } else if (!parent.key) {
            parent.key = std::move(value);
        } else {
            if (value.kind == Value::Kind::null) value.at = lines_.value_of(*parent.key, value.at);
            parent.value.entries.push_back({std::move(*parent.key), std::move(value)});
            parent.key.reset();
        }
    }

    /// Replaces `<<: *map` and `<<: [*map, *map]` by the entries of those maps that are not there
    /// yet.
    static void merge(Value& map) {
        std::vector<Value::Entry> own;
        std::vector<Value> merged;
        for (auto& [key, value] : map.entries) {
            if (!is_merge_key(key)) {
                own.push_back({std::move(key), std::move(value)});
            } else if (value.kind == Value::Kind::list) {
                for (Value& item : value.items) merged.push_back(std::move(item));
            } else {
                merged.push_back(std::move(value));
            }
        }
        std::set<std::string> known;
        for (const auto& [key, value] : own) known.insert(key.text);
        for (Value& source : merged) {
            if (source.kind != Value::Kind::map)
                throw YamlFault{source.at, "<< needs a map, or a list of maps"};
            for (auto& [key, value] : source.entries)
                if (known.insert(key.text).second)
                    own.push_back({std::move(key), std::move(value)});
        }
        map.entries = std::move(own);
    }

    Lines lines_;
    Value root_;
    std::vector<Frame> open_;
    std::map<YAML::anchor_t, Value> anchored_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
    int documents_ = 0;
};

void report(Problems& problems, Position at, std::string message) {
    problems.push_back({Problem::Severity::error, at, "", std::move(message)});
}

}  // namespace

std::optional<Value> read_yaml(const std::string& text, Problems& problems) {
    if (text.size() > yaml_text_bytes_max) {
        report(problems, {}, "larger than a configuration may be");
        return std::nullopt;
    }
    try {
        refuse_control_characters(text);
        std::istringstream input(swap_question_marks(text));
        YAML::Parser parser(input);
        TreeBuilder builder(text);
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take_root();
    } catch (const YamlFault& fault) {
        report(problems, fault.at, fault.message);
    } catch (const YAML::Exception& fault) {
        const Position at = position_of(fault.mark);
        const auto variable = unquoted_variable(text);
        if (variable && (at.line == 0 || variable->line <= at.line)) {
            report(problems, *variable,
                   "not valid YAML: within {} or [] a value that holds ${...} must be quoted, as "
                   "in \"${NAME}\"");
        } else {
            const bool bare_star = fault.msg.find("alias not found after *") != std::string::npos;
            report(problems, at,
                   "not valid YAML: " +
                       (bare_star ? "a bare * begins an alias; where it stands for every method or "
                                    "host, quote the value, as in \"* /path\""
                                  : restore_question_marks(fault.msg)));
        }
    }
    return std::nullopt;
}

}  // namespace larder::settings
