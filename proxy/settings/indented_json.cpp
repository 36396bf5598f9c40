#include "settings/indented_json.hpp"

#include <algorithm>

#include "base/json_text.hpp"

namespace larder::settings {
namespace {

namespace json = boost::json;

bool fits_one_line(const json::array& list) {
    return std::all_of(list.begin(), list.end(), [](const json::value& item) {
        return !item.is_array() && !item.is_object();
    });
}

void write(const json::value& value, std::size_t level, std::string& out);

void write_object(const json::object& object, std::size_t level, std::string& out) {
    if (object.empty()) {
        out += "{}";
        return;
    }
    const std::string margin(2 * (level + 1), ' ');
    const char* opening = "{\n";
    for (const auto& [key, value] : object) {
        out += opening + margin + json_text(json::string(key)) + ": ";
        write(value, level + 1, out);
        opening = ",\n";
    }
    out += '\n' + std::string(2 * level, ' ') + '}';
}

void write_array(const json::array& list, std::size_t level, std::string& out) {
    const bool one_line = fits_one_line(list);
    const std::string margin = one_line ? "" : '\n' + std::string(2 * (level + 1), ' ');
    const char* separator = "";
    out += '[';
    for (const json::value& item : list) {
        out += separator + margin;
        write(item, level + 1, out);
        separator = one_line ? ", " : ",";
    }
    if (!one_line) out += '\n' + std::string(2 * level, ' ');
    out += ']';
}

void write(const json::value& value, std::size_t level, std::string& out) {
    if (value.is_object()) {
        write_object(value.get_object(), level, out);
    } else if (value.is_array()) {
        write_array(value.get_array(), level, out);
    } else {
        out += json_text(value);
    }
}

}  // namespace

std::string indented_json(const json::value& value) {
    std::string out;
    write(value, 0, out);
    return out + '\n';
}

}  // namespace larder::settings
